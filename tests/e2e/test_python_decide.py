# SPDX-License-Identifier: Apache-2.0
"""What a rule lets the agent decide: other parents, once, suppress, links; and what is no error."""
import sys
from collections import Counter

from harness import EXIT_USAGE
from shop import few, trace

HEAD = "wftrace: 1\nprofile: parcel\nspans:\n"


def parcel(t, python, spans, *says, check=True):
    path = t.dir / "parcel.yaml"
    path.write_text(HEAD + spans)
    return trace(t, python, [], "--profile", str(path), says=says, check=check, program="parcel.py")[0]


def short(spans):
    return Counter({(a and a.split(".", 1)[1], b.split(".", 1)[1]): n for (a, b), n in spans.edges().items()})


def test_a_parent_from_outside(t):
    for python in few(t):
        spans = parcel(t, python, """
  - function: [__main__:outer, __main__:step]
  - {function: __main__:handle, kind: server, parent: remote(arg.headers)}
""", "remote", check=False)  # two parents are none of ours
        t.equal(spans.ledger["balanced"], True, python)
        handled = sorted(spans.named("__main__.handle"), key=lambda s: s.start)
        t.equal([(s.raw["trace_id"], s.raw["parent_id"]) for s in handled[:2]],
                [("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")] * 2, python)
        t.equal(handled[2].raw["parent_id"], None, f"{python}: without a header it is a root, not its caller's child")
        t.equal({s.raw["trace_id"] for s in spans.named("__main__.step")}, {s.raw["trace_id"] for s in handled}, python)


def test_a_root_in_the_middle(t):
    for python in few(t):
        spans = parcel(t, python, """
  - function: [__main__:outer, __main__:step]
  - {function: __main__:fresh, parent: root}
""", "root")
        t.equal(short(spans), Counter({(None, "outer"): 1, (None, "fresh"): 1, ("fresh", "step"): 1}), python)


def test_once_per_object(t):
    for python in few(t):
        spans = parcel(t, python, """
  - function: __main__:outer
  - {function: ["overrides of __main__:Base.send"], name: send, once: true}
""", "once")
        t.equal(spans.counts(), {"send": 2, "__main__.outer": 1}, python)
        t.equal(spans.ledger["python"]["silenced"], 6, python)


def test_suppressed_below(t):
    for python in few(t):
        spans = parcel(t, python, """
  - {rule: quiet, function: __main__:quiet, suppress: [noise]}
  - {rule: noise, function: [__main__:loud, __main__:step]}
""", "suppress")
        t.equal(short(spans), Counter({(None, "quiet"): 1, (None, "loud"): 1, ("loud", "step"): 1}), python)


QUEUE = """
  - {rule: put, function: __main__:put}
  - {rule: work, function: __main__:work}
links:
  - {from: {rule: put, key: arg.number}, to: {rule: work, key: arg.number}, as: %s}
"""


def test_a_queue_links_by_a_key(t):
    for python in few(t):
        spans = parcel(t, python, QUEUE % "parent", "queue", check=False)  # a child begins after its parent
        t.equal(short(spans), Counter({(None, "put"): 5, ("put", "work"): 5}), python)
        spans = parcel(t, python, QUEUE % "link", "queue")
        t.equal(short(spans), Counter({(None, "put"): 5, (None, "work"): 5}), python)
        t.equal({s.raw["links"][0]["span_id"] for s in spans.named("__main__.work")},
                {s.raw["span_id"] for s in spans.named("__main__.put")}, python)


def test_what_is_no_error(t):
    for python in few(t):
        spans = parcel(t, python, """
  - {function: __main__:find, not_errors: [NotFound]}
  - {function: __main__:cancelled}
""", "errors")
        found = sorted(spans.named("__main__.find"), key=lambda s: s.start)
        t.equal([(s.status, s.exceptions()) for s in found],
                [("unset", [("__main__.NotFound", "1")]), ("error", [("KeyError", "0")])], python)
        t.equal([(s.status, s.attr("wftrace.end")) for s in spans.named("__main__.cancelled")],
                [("unset", "cancelled")], python)


def test_active_time_on_request(t):
    for python in few(t):
        span, = parcel(t, python, "  - {function: __main__:wait, active_time: true}\n", "wait").named("__main__.wait")
        t.equal(span.attr("wftrace.suspensions"), 3, python)
        t.true(0 < span.attr("wftrace.active_time") < span.duration / 2e9, f"{python}: {span.raw}")
        span, = parcel(t, python, "  - {function: __main__:wait}\n", "wait").named("__main__.wait")
        t.equal(span.attr("wftrace.active_time"), None, f"{python}: unasked")


def test_what_stays_out_is_refused_by_name(t):
    for text, why in (("  - {function: f, once: true}\n", "'once' of native functions"),
                      ("  - {function: m:f, parent: nearest(x)}\n", "'parent: nearest(...)'")):
        path = t.dir / "refused.yaml"
        path.write_text(HEAD + text)
        status, _, err = t.wftrace("attach", "-p", "1", "--profile", str(path))
        t.equal(status, EXIT_USAGE, "\n".join(err))
        t.true(any(why in line for line in err), f"{err}")


for _test in [v for n, v in list(vars(sys.modules[__name__]).items()) if n.startswith("test_")]:
    _test.deadline = 300
