# SPDX-License-Identifier: Apache-2.0
"""Calls that ran before wftrace came."""
import sys
from collections import Counter

from shop import PROGRAMS, few, minor, newest, tell


def attach_inside(t, python, rules, *says):
    """Attach where a thread is inside `Threads.loop` already."""
    target = t.start([python, PROGRAMS / "relay.py"])
    tell(target, "threads 1")
    tracer = t.attach(target, rules)
    for line in says:
        tell(target, line)
    return tracer, target


def test_a_call_that_runs_already_is_a_parent(t):
    """Where its end can be seen; it is still open when wftrace leaves."""
    for python in few(t):
        tracer, _ = attach_inside(t, python, ["__main__:Threads.loop", "__main__:perform", "__main__:step"], "threads 5")
        spans = tracer.stop()
        t.equal(spans.ledger["python"]["running_before"], 1, python)
        if minor(python) < 12:
            t.equal(spans.counts(), {"__main__.perform": 5, "__main__.step": 5}, python)
            t.equal({s.raw["parent_id"] for s in spans.named("__main__.perform")}, {None}, python)
            continue
        t.equal(spans.edges(), Counter({(None, "__main__.Threads.loop"): 1, ("__main__.Threads.loop", "__main__.perform"): 5,
                                        ("__main__.perform", "__main__.step"): 5}), python)
        loop, = spans.named("__main__.Threads.loop")
        t.equal((loop.attr("wftrace.start"), loop.attr("wftrace.unfinished")), ("running", True), python)
        t.equal({s.attr("wftrace.start") for s in spans.named("__main__.perform")}, {None}, python)


def test_a_second_tracer_finds_it_too(t):
    """What the first one had open is nothing to the second."""
    python = newest()
    tracer, target = attach_inside(t, python, ["__main__:Threads.loop", "__main__:step"], "threads 2")
    tracer.stop()
    again = t.attach(target, ["__main__:Threads.loop", "__main__:step"])
    tell(target, "threads 3")
    found = {(None, "__main__.Threads.loop"): 1, ("__main__.Threads.loop", "__main__.step"): 3}
    t.equal(again.stop().edges(), Counter(found if minor(python) >= 12 else {(None, "__main__.step"): 3}), "of the second")


for _test in [v for n, v in list(vars(sys.modules[__name__]).items()) if n.startswith("test_")]:
    _test.deadline = 300
