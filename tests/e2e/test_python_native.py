# SPDX-License-Identifier: Apache-2.0
"""Native spans under Python ones and the reverse, also while coroutines take turns on one thread."""
import sys
from collections import Counter

from shop import few, interpreters, trace

STEP = "sqlite3_step@libsqlite3*"
GUESTS = 100


def test_sqlite_under_the_right_coroutine(t):
    for python in interpreters():
        spans, target = trace(t, python, ["__main__:Desk.serve(guest=arg.guest)", "__main__:Desk.fetch(item=arg.item)",
                                          "__main__:look_up(item=arg.item)", STEP],
                              says=(f"crowd {GUESTS}",), program="kiosk.py")
        steps = len(spans.named("sqlite3_step"))
        t.true(steps >= 2 * GUESTS, f"{python}: {steps} native calls")
        t.edges(spans, Counter({(None, "__main__.Desk.serve"): GUESTS,
                                ("__main__.Desk.serve", "__main__.Desk.fetch"): 2 * GUESTS,
                                ("__main__.Desk.fetch", "__main__.look_up"): 2 * GUESTS,
                                ("__main__.look_up", "sqlite3_step"): steps}))
        for span in spans.named("__main__.look_up"):
            t.equal(span.attr("item"), spans.parent(span).attr("item"), f"{python}: its own coroutine")
        t.equal(len({s.trace for s in spans.named("__main__.Desk.serve")}), GUESTS, "traces")
        target.go("end")
        t.equal(target.finish()[1], 0, f"{python}: exit status")


def test_sqlite_in_coroutines_alone(t):
    """Nothing between the coroutine and the native call: what counts is who has the thread."""
    for python in few(t):
        spans, _ = trace(t, python, ["__main__:Desk.serve(guest=arg.guest)", "__main__:Desk.fetch", STEP],
                         says=(f"crowd {GUESTS}",), program="kiosk.py")
        steps = len(spans.named("sqlite3_step"))
        t.edges(spans, Counter({(None, "__main__.Desk.serve"): GUESTS,
                                ("__main__.Desk.serve", "__main__.Desk.fetch"): 2 * GUESTS,
                                ("__main__.Desk.fetch", "sqlite3_step"): steps}))
        per_fetch = Counter(span.parent for span in spans.named("sqlite3_step"))
        t.equal(set(per_fetch.values()), {steps // (2 * GUESTS)}, f"{python}: calls of each coroutine")


def test_sqlite_without_an_open_span_of_python(t):
    for python in few(t):
        spans, _ = trace(t, python, ["__main__:Desk.check", STEP], says=("crowd 3", "shapes 1"), program="kiosk.py")
        t.equal({k for k in spans.edges()}, {(None, "sqlite3_step"), (None, "__main__.Desk.check")}, python)


for _test in [v for n, v in list(vars(sys.modules[__name__]).items()) if n.startswith("test_")]:
    _test.deadline = 300
