# SPDX-License-Identifier: Apache-2.0
"""Stacks: deep recursion, tail calls, signal handlers, coroutines."""
import re

from harness import Failure
from probes import disassemble

TRIO = ["tr_outer", "tr_mid", "tr_leaf"]
PAUSE_NS = 2_000_000  # what tr_target, tr_standard and tr_my_hook sleep


def test_recursion_10000_deep(t):
    trace = t.compared([t.build("recurse.c"), "10000"], ["tr_recurse"])
    ledger = trace.ledger
    t.equal(ledger["entries"], 30000, "entries")
    t.equal(ledger["completed"] + ledger["state_full"], 30000, "completed and beyond the stack's limit")
    t.equal(ledger["exits.unmatched"], 0, "unmatched exits")
    kept = len(trace.spans) // 3
    t.true(kept >= 16, f"only {kept} levels were kept")
    t.edges(trace, {(None, "tr_recurse"): 3, ("tr_recurse", "tr_recurse"): 3 * (kept - 1)})
    for span in trace.spans:
        t.true(len(trace.children(span)) <= 1, f"two calls under one level: {span}")


def test_depth_limit(t):
    trace = t.compared([t.build("recurse.c"), "12"], ["tr_recurse"], "--depth", "5")
    t.edges(trace, {(None, "tr_recurse"): 3, ("tr_recurse", "tr_recurse"): 12})
    t.equal(trace.ledger["guarded"], 21, "guarded")


def tail_program(t, cc):
    """tail.c, after a look whether this compiler made jumps of the calls."""
    program = t.build("tail.c", flags=("-O2", "-g0"), cc=cc)
    for function, target in (("tr_wrapper", "tr_target"), ("tr_chain_a", "tr_chain_b"), ("tr_even", "tr_odd")):
        code = disassemble(program, function)
        if not any(re.match(rf"j\w+ .*<{target}>", line) for line in code):
            raise Failure(f"{cc} made no tail jump of {function}: {code}")
    return program


def check_tail_edges(t, trace, loops=20):
    t.edges(trace, {
        (None, "tr_caller"): loops, ("tr_caller", "tr_wrapper"): loops, ("tr_wrapper", "tr_target"): loops,
        ("tr_caller", "tr_chain_a"): loops, ("tr_chain_a", "tr_chain_b"): loops,
        ("tr_chain_b", "tr_chain_c"): loops, ("tr_chain_c", "tr_target"): loops,
        (None, "tr_either"): loops, ("tr_either", "tr_target"): loops // 2,
        (None, "tr_hooked"): 2 * loops, ("tr_hooked", "tr_standard"): loops, (None, "tr_my_hook"): loops,
    })


def check_tail_durations(t, trace):
    for name in ("tr_wrapper", "tr_chain_a", "tr_target", "tr_standard", "tr_my_hook", "tr_caller"):
        for span in trace.named(name):
            t.true(span.duration >= PAUSE_NS, f"ends at its tail jump, before control is back: {span}")
    hooked, hooks = (sorted(trace.named(name), key=lambda s: s.start) for name in ("tr_hooked", "tr_my_hook"))
    for plain in hooked[::2]:
        t.true(plain.duration >= PAUSE_NS, f"ends at its jump to the standard function: {plain}")
    for jumped in hooked[1::2]:
        t.equal(jumped.attr("wftrace.exit"), "tail_jump", f"mark of {jumped}")
    for jumped, hook in zip(hooked[1::2], hooks):
        t.true(jumped.end <= hook.start, f"the jump through the pointer is not its end: {jumped} {hook}")


def tail(t, cc, *options):
    trace = t.compared([tail_program(t, cc)], [
        "tr_caller", "tr_wrapper", "tr_target", "tr_chain_*", "tr_either", "tr_hooked",
        "tr_standard", "tr_my_hook"], *options)
    check_tail_edges(t, trace)
    check_tail_durations(t, trace)


def test_tail_calls(t):
    tail(t, "gcc")


def test_tail_calls_clang(t):
    tail(t, "clang")


def test_tail_calls_ret_only(t):
    tail(t, "gcc", "--ret-only")


def test_tail_calls_into_untraced_functions(t):
    """What is jumped to is not traced; the span still lasts until its caller gets control back."""
    trace = t.compared([tail_program(t, "gcc")], ["tr_caller", "tr_wrapper", "tr_chain_a", "tr_hooked"])
    t.edges(trace, {
        (None, "tr_caller"): 20, ("tr_caller", "tr_wrapper"): 20, ("tr_caller", "tr_chain_a"): 20,
        (None, "tr_hooked"): 40,
    })
    check_tail_durations(t, trace)


def test_tail_calls_only_the_target_traced(t):
    trace = t.compared([tail_program(t, "gcc")], ["tr_caller", "tr_target"])
    t.edges(trace, {(None, "tr_caller"): 20, ("tr_caller", "tr_target"): 40, (None, "tr_target"): 10})


def test_exits_of_a_shared_tail_target_are_no_surprise(t):
    """tr_target's exits are armed for tr_wrapper alone; tr_chain_c and tr_either come through them, too."""
    trace = t.compared([tail_program(t, "gcc")], ["tr_wrapper"])
    t.equal(trace.counts(), {"tr_wrapper": 20}, "calls")
    t.equal(trace.ledger["exits.unmatched"], 0, "unmatched exits")


def test_tail_calls_in_a_circle(t):
    """Functions that jump to each other would pile up frames: a jump back may end a span, but never loses one."""
    trace = t.compared([tail_program(t, "gcc")], ["tr_caller", "tr_even", "tr_odd"])
    t.equal(trace.counts(), {"tr_caller": 20, "tr_even": 80, "tr_odd": 60}, "calls")
    for span in trace.named("tr_even") + trace.named("tr_odd"):
        t.true(trace.parent(span) is not None, f"lost its caller: {span}")
    t.equal(trace.ledger["exits.unmatched"], 0, "unmatched exits")


def signals(t, mode):
    trace = t.compared([t.build("signals.c"), mode], ["tr_interrupted", *TRIO])
    t.edges(trace, {
        (None, "tr_interrupted"): 1000, ("tr_interrupted", "tr_leaf"): 1000, ("tr_interrupted", "tr_outer"): 500,
        ("tr_outer", "tr_mid"): 500, ("tr_mid", "tr_leaf"): 500,
    })
    t.equal(trace.ledger["abandoned"], 0, "abandoned")
    t.equal(trace.ledger["exits.unmatched"], 0, "unmatched exits")


def test_signal_handler_on_the_same_stack(t):
    signals(t, "same")


def test_signal_handler_on_an_alternate_stack_below(t):
    signals(t, "below")


def test_signal_handler_on_an_alternate_stack_above(t):
    signals(t, "above")


def test_signal_handler_at_any_point(t):
    trace, (said, status) = t.run_traced([t.build("signals.c"), "timer"], [*TRIO, "tr_after"])
    said = dict(line.split() for line in said)
    rounds, handled = int(said["rounds"]), int(said["handled"])
    t.equal(status, 0, "exit status")
    t.equal(trace.counts(), {"tr_outer": rounds, "tr_mid": rounds, "tr_leaf": rounds, "tr_after": handled}, "calls")
    t.equal(trace.ledger["abandoned"], 0, "abandoned")
    wrong = {k: v for k, v in trace.edges().items()
             if k[1] != "tr_after" and k not in ((None, "tr_outer"), ("tr_outer", "tr_mid"), ("tr_mid", "tr_leaf"))}
    t.equal(wrong, {}, "parents of what was interrupted")


def test_100_coroutines(t):
    rules = [f"{name}(id=arg1:i64)" for name in ("tr_coroutine", "tr_step", "tr_yield")]
    trace = t.compared([t.build("coroutine.c")], rules)
    t.edges(trace, {
        (None, "tr_coroutine"): 100, ("tr_coroutine", "tr_step"): 2000, ("tr_coroutine", "tr_yield"): 2000,
    })
    for span in trace.spans:
        parent = trace.parent(span)
        t.true(parent is None or parent.attr("id") == span.attr("id"),
               f"a call of another coroutine is its parent:\n  {span}\n  {parent}")
    t.equal(trace.ledger["exits.unmatched"], 0, "unmatched exits")
    t.equal(trace.ledger["abandoned"], 0, "abandoned")
