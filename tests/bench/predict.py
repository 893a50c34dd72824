# SPDX-License-Identifier: Apache-2.0
"""What `list` says a call will cost, beside what it costs."""
import json

from call import CHEAP, STEPPED
from row import Group
from workshop import Failure

STEPPED_NS = 4000  # a call that is dearer than this is stepped somewhere: fewer calls are enough
RULES = {
    "plain": "", "text": "(value=arg1:str)", "text_two": "(one=arg1:str, two=arg1:str)",
    "text_empty": "(value=arg1:str)", "numbers": "(one=arg1:u64, two=arg2:i32)", "landed": "",
    "nop_entry": "", "jump_exit": "", "straight": "", "stepped": "", "landed_stepped": "",
    "two_exits": "", "three_exits": "", "mixed": "", "loop": "", "calling": "", "framed": "",
    "room": "", "tail_branch": "", "tail_straight": "", "tail_pointer": "",
}


def predictions(shop, target, rules):
    """{function: ns} of one `wftrace list`."""
    status, out, err = shop.wftrace("list", "-p", target.target_pid, "--json", *rules)
    if status:
        raise Failure(f"wftrace list ended with {status}: {err}")
    said = [json.loads(line) for line in out]
    refused = [one["function"] for one in said if not one["armed"]]
    if refused:
        raise Failure(f"refused: {refused}")
    return {one["function"]: one["cost_ns"] for one in said}


def take_best(shop, target, best, predicted=None):
    for name in RULES:
        slow = predicted and predicted[name] > STEPPED_NS
        ns = shop.time_call(target, name, STEPPED if slow else CHEAP)
        best[name] = min(ns, best.get(name, ns))


def measure(shop):
    target, _ = shop.target()
    rules = [name + attributes for name, attributes in RULES.items()]
    bare, traced, lists = {}, {}, []
    for _ in range(shop.rounds(8)):
        lists.append(predictions(shop, target, rules))
        take_best(shop, target, bare)
        with shop.traced(target, rules):
            take_best(shop, target, traced, lists[0])
    errors = {}
    for name in RULES:
        predicted = min(one[name] for one in lists)
        errors[name] = 100 * (predicted / (traced[name] - bare[name]) - 1)
    worst = max(errors, key=lambda name: abs(errors[name]))
    told = ", ".join(f"{name} {error:+.0f}" for name, error in errors.items())
    yield ("call.predicted_error", round(abs(errors[worst]), 1),
           f"predicted over measured, worst of {len(errors)} functions, each way out taken equally often; "
           f"{worst} {errors[worst]:+.0f} %. All: {told}")


GROUPS = (Group(("call.predicted_error",), 60, measure),)
