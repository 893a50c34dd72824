# SPDX-License-Identifier: Apache-2.0
"""Python calls that go on when wftrace leaves: their children have told of them already."""
import sys
from collections import Counter

from shop import PROGRAMS, few, interpreters

RULES = [f"__main__:{name}" for name in ("serve", "middle", "other", "visit", "wait", "leaf")]
CHAINS = Counter({(None, "__main__.serve"): 1, ("__main__.serve", "__main__.middle"): 1, (None, "__main__.other"): 1,
                  ("__main__.other", "__main__.middle"): 1, (None, "__main__.visit"): 1,
                  ("__main__.visit", "__main__.wait"): 1})


def dig(t, target, tracer):
    seen = len(target.out.lines)
    target.go("dig")
    t.wait(lambda: "dig begins" in target.out.lines[seen:], "it is inside")
    t.wait(lambda: tracer.spans.read_text().count('"__main__.leaf"') > 50, "calls that ended inside")
    return tracer.stop()


def test_calls_that_stay_open_are_told(t):
    for python in interpreters():
        target = t.start([python, PROGRAMS / "digger.py"])
        for _ in range(2):  # what was open for one tracer is no call of the next
            spans = dig(t, target, t.attach(target, RULES))
            edges = spans.edges()
            leaves = {edge: edges.pop(edge) for edge in list(edges) if edge[1] == "__main__.leaf"}
            t.equal(edges, CHAINS, f"{python}: {spans.stderr}")
            t.equal(set(leaves), {("__main__.middle", "__main__.leaf"), ("__main__.wait", "__main__.leaf")}, python)
            t.equal({s.name for s in spans.spans if s.attr("wftrace.unfinished")}, {name for _, name in CHAINS}, python)
            t.equal(spans.ledger["python.given_up"], CHAINS.total(), f"{python}: each once")
            target.go("")
            t.wait(lambda: target.out.lines[-1] == "dig done", "it ends")


def test_a_call_that_two_tracers_see(t):
    """It goes on when the first leaves and when the second comes: each tells of it, under its own id."""
    for python in few(t):
        target = t.start([python, PROGRAMS / "digger.py"])
        first = dig(t, target, t.attach(target, RULES))
        tracer = t.attach(target, RULES)
        t.wait(lambda: tracer.spans.read_text().count('"__main__.leaf"') > 50, "calls that ended inside")
        spans = tracer.stop()
        t.true(not {s.id for s in first.spans} & {s.id for s in spans.spans}, f"{python}: ids")
        known = {s.id for s in spans.spans}
        t.true(all(s.parent in known for s in spans.spans if s.parent), f"{python}: parents")
        target.go("")
        t.wait(lambda: target.out.lines[-1] == "dig done", "it ends")


for _test in [v for n, v in list(vars(sys.modules[__name__]).items()) if n.startswith("test_")]:
    _test.deadline = 300
