# SPDX-License-Identifier: Apache-2.0
"""Queues of the program's own: a call is found as a parent by a key that it has offered."""
import sys
from collections import Counter

from shop import few, newest, trace

HEAD = "wftrace: 1\nprofile: relay\nspans:\n"
STEP = "  - function: __main__:step\n"


def relay(t, python, spans, *says):
    path = t.dir / "relay.yaml"
    path.write_text(HEAD + spans)
    traced = trace(t, python, [], "--profile", str(path), says=says, check=False, program="relay.py")[0]
    t.equal(traced.ledger["balanced"], True, python)
    return traced


def short(spans):
    return Counter({(a and a.split(".", 1)[1], b.split(".", 1)[1]): n for (a, b), n in spans.edges().items()})


def pairs(spans, outer, inner, attribute):
    """Of each inner span and its parent, the attribute."""
    by_id = {s.raw["span_id"]: s for s in spans.named(outer)}
    return [(by_id[s.raw["parent_id"]].attr(attribute), s.attr(attribute)) for s in spans.named(inner)]


def test_jobs_of_a_thread(t):
    """The worker was started by the first request, and is not its child for the others."""
    for python in few(t):
        spans = relay(t, python, STEP + """
  - {function: __main__:request, key: id(arg.job), attributes: {n: arg.job.number}}
  - {function: __main__:perform, parent: key(id(arg.job)), attributes: {n: arg.job.number}}
""", "threads 20")
        t.equal(short(spans), Counter({(None, "request"): 20, ("request", "perform"): 20, ("perform", "step"): 20}),
                python)
        found = pairs(spans, "__main__.request", "__main__.perform", "n")
        t.equal([a for a, b in found if a != b], [], f"{python}: {found}")


def test_a_key_that_is_no_address_is_found_again(t):
    """Three attempts at one job: by its id all are the request's, by its address only the first."""
    for python in few(t):
        for key, children in (("arg.job.id", 3), ("arg.job.number", 3), ("id(arg.job)", 1)):
            spans = relay(t, python, """
  - {function: __main__:request, key: %s}
  - {function: __main__:perform, parent: key(%s)}
""" % (key, key), "threads 1", "again")
            t.equal(short(spans)["request", "perform"], 1 + children, f"{python}: {key}")
            t.equal(spans.counts()["__main__.perform"], 4, python)


def test_a_key_that_is_known_at_the_end(t):
    for python in few(t):
        spans = relay(t, python, """
  - {function: __main__:make, key: return.id, attributes: {n: return.number}}
  - {function: __main__:perform, parent: key(arg.job.id), attributes: {n: arg.job.number}}
""", "made 10")
        t.equal(short(spans), Counter({(None, "make"): 10, ("make", "perform"): 10}), python)
        found = pairs(spans, "__main__.make", "__main__.perform", "n")
        t.equal([a for a, b in found if a != b], [], f"{python}: {found}")


def test_jobs_of_tasks(t):
    """A UUID is found by its text, since that is what goes through the queue."""
    for python in few(t):
        spans = relay(t, python, STEP + """
  - function: __main__:first
  - {function: __main__:ask, key: arg.job.id, attributes: {n: arg.job.number}}
  - {function: __main__:answer, parent: key(arg.key), attributes: {n: arg.job.number}}
""", "tasks 15")
        t.equal(short(spans), Counter({(None, "first"): 1, (None, "ask"): 15, ("ask", "answer"): 15,
                                       ("answer", "step"): 15}), python)
        found = pairs(spans, "__main__.ask", "__main__.answer", "n")
        t.equal([a for a, b in found if a != b], [], f"{python}: {found}")


def test_without_its_key_a_call_has_the_parent_around(t):
    for python in few(t):
        spans = relay(t, python, """
  - {function: __main__:perform, key: id(arg.job)}
  - {function: __main__:step, parent: key(arg.number)}
""", "threads 4")
        t.equal(short(spans), Counter({(None, "perform"): 4, ("perform", "step"): 4}), python)


def test_what_was_forgotten_is_counted(t):
    spans = relay(t, newest(), """
  - {function: __main__:request_nothing, key: arg.number}
  - {function: __main__:perform, parent: key(id(arg.job))}
""", "flood 10100")
    forgotten = spans.ledger["python"]["keys_forgotten"]
    t.true(100 <= forgotten <= 164, f"{forgotten}: those beyond 10,000, at most 64 more")


for _test in [v for n, v in list(vars(sys.modules[__name__]).items()) if n.startswith("test_")]:
    _test.deadline = 300
