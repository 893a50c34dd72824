# SPDX-License-Identifier: Apache-2.0
"""Functions of running Python processes, alone and together with native ones, on every interpreter at hand."""
import os
import sys
from collections import Counter

from harness import EXIT_NOTHING, EXIT_USAGE
from shop import PROGRAMS, RULES, interpreters, newest, tell, trace


def test_methods_values_and_exceptions(t):
    for python in interpreters():
        spans, target = trace(t, python, RULES)
        t.equal(spans.counts(), {"__main__.Shop.order": 20, "__main__.item": 40, "__main__.fail": 4}, python)
        t.edges(spans, Counter({(None, "__main__.Shop.order"): 20, ("__main__.Shop.order", "__main__.item"): 40,
                                ("__main__.Shop.order", "__main__.fail"): 4}))
        orders = sorted(spans.named("__main__.Shop.order"), key=lambda s: s.start)
        t.equal([s.attr("n") for s in orders], list(range(20)), "values of an argument")
        t.equal({(s.attr("shop"), s.attr("first"), s.attr("rows"), s.attr("total")) for s in orders},
                {("corner", 5, 3, 35)}, "self, an item, a length, the result")
        t.equal({s.attr("price") for s in spans.named("__main__.item")}, {10, 20}, "guarded values")
        failed = spans.named("__main__.fail")
        t.true(all(s.error for s in failed), "an exception makes an error")
        t.equal({e[:2] for s in failed for e in s.exceptions()},
                {("ValueError", "sold out")}, "exception events")
        t.equal({os.path.basename(s.attr("code.file.path")) for s in orders}, {"shop.py"}, "the source")
        python_line = spans.ledger["python"]
        t.equal((python_line["entries"], python_line["guarded"]), (84, 20), "the agent's own counts")
        t.equal(tell(target, "intact"), "yes", "functions are their own again")
        target.go("end")
        t.equal(target.finish()[1], 0, "exit status")


def test_a_second_tracer_comes_after_the_first(t):
    for python in interpreters():
        _, target = trace(t, python, RULES)
        tracer = t.attach(target, RULES)
        tell(target, "orders 5")
        t.equal(tracer.stop().counts()["__main__.Shop.order"], 5, python)


def test_native_calls_lie_under_python_ones_and_the_reverse(t):
    for python in interpreters():
        spans, _ = trace(t, python, ["__main__:sort", "__main__:compare", "qsort@libc.so*"], says=("sort 10",))
        counts = spans.counts()
        t.equal((counts["__main__.sort"], counts["qsort"]), (10, 10), python)
        t.edges(spans, Counter({(None, "__main__.sort"): 10, ("__main__.sort", "qsort"): 10,
                                ("qsort", "__main__.compare"): counts["__main__.compare"]}))


def test_children_that_are_forked(t):
    for python in interpreters():
        spans, _ = trace(t, python, RULES, says=("fork 8", "orders 3"))
        t.equal(spans.counts()["__main__.Shop.order"], 8 * 4 + 3, python)
        t.equal(len({s.raw["pid"] for s in spans.named("__main__.Shop.order")}), 9, "processes")


def test_a_process_that_runs_no_code_is_waited_for(t):
    target = t.start([newest(), PROGRAMS / "shop.py"])
    target.go("block")
    target.expect("block begins")
    tracer = t.attach(target, RULES, wait=False)
    line = tracer.err.wait(lambda text: "waiting for a Python process" in text, 20)
    t.true(line, "waiting is told")
    target.go("x")
    tracer.wait_armed()
    tell(target, "orders 2")
    t.equal(tracer.stop().counts()["__main__.Shop.order"], 2)


def test_waiting_is_withdrawn(t):
    target = t.start([newest(), PROGRAMS / "shop.py"])
    target.go("block")
    target.expect("block begins")
    tracer = t.attach(target, RULES, wait=False)
    t.true(tracer.err.wait(lambda text: "waiting for a Python process" in text, 20), "waiting is told")
    tracer.stop()
    target.go("x")
    t.equal(tell(target, "intact"), "yes", "nothing was done to it")
    t.equal(tell(target, "loaded"), "no", "no agent is in it")


def test_refusals(t):
    target = t.start([newest(), PROGRAMS / "shop.py"])
    status, _, err = t.wftrace("attach", "-p", target.target_pid, "-f", "__main__:Shop.ordr", "-d", "1s")
    t.equal(status, EXIT_NOTHING, "\n".join(err))
    t.true(any("order" in line for line in err), f"near names are told: {err}")
    status, _, err = t.wftrace("attach", "-p", target.target_pid, "-f", "__main__:fail", "--no-inject")
    t.equal(status, EXIT_USAGE, "\n".join(err))
    t.true(any("--no-inject" in line for line in err), f"{err}")


for _test in [v for n, v in list(vars(sys.modules[__name__]).items()) if n.startswith("test_")]:
    _test.deadline = 300
