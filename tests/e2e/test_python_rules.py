# SPDX-License-Identifier: Apache-2.0
"""Rules about Python functions, in YAML and after -f: which functions, values, names, errors, events."""
import sys
from collections import Counter

from shop import PROGRAMS, interpreters, newest, oldest, tell, trace

PROFILE = """
wftrace: 1
profile: kiosk
spans:
  - rule: order
    function: __main__:order
    name: "order.{'odd'}"
    kind: server
    when: arg.n >= 1
    attributes: {order.n: arg.n, order.sum: return, shop.name: "'main'"}
    error: return == 5
  - function: [__main__:part, kiosk.py:Desk.check]
    attributes: {first: arg1}
events:
  - function: __main__:note
    on: nearest(order)
    name: noted
    attributes: {n: arg.n}
"""


def profile(t, text):
    path = t.dir / "kiosk.yaml"
    path.write_text(text)
    return ["--profile", str(path)]


def kiosk(t, python, rules, *options, says):
    return trace(t, python, rules, *options, says=says, program="kiosk.py")


def test_a_profile(t):
    for python in interpreters():
        spans, _ = kiosk(t, python, [], *profile(t, PROFILE), says=("orders 4",))
        t.edges(spans, Counter({(None, "order.odd"): 3, ("order.odd", "__main__.part"): 6,
                                (None, "__main__.part"): 2}))
        orders = sorted(spans.named("order.odd"), key=lambda s: s.start)
        t.equal([(s.attr("order.n"), s.attr("order.sum"), s.attr("shop.name"), s.kind, s.error) for s in orders],
                [(1, 3, "main", "server", False), (2, 5, "main", "server", True), (3, 7, "main", "server", False)],
                python)
        t.equal([[(e["name"], e["attributes"]["n"]) for e in s.events] for s in orders],
                [[("noted", n), ("noted", n), ("noted", n + 1)] for n in (1, 2, 3)], f"{python}: events")
        t.equal({s.attr("first") for s in spans.named("__main__.part")}, {0, 1, 2, 3, 4}, python)


SHAPES = ["__main__:Desk.build(cls=self)", "__main__:Desk.check(value=arg1, yes=return)",
          "__main__:Desk.is_open(number=self.number)", "__main__:wrapped", "unwrapped __main__:wrapped(n=arg.n)",
          "__main__:outer(n=arg.n)", "__main__:outer.<locals>.inner(m=arg.m, n=cell.n)", "__main__:numbers",
          "__main__:ticks", "__main__:Window.greet(name=arg.name, polite=arg2, kind=type(self), said=return)"]


def test_every_shape_of_function(t):
    for python in interpreters():
        spans, target = kiosk(t, python, SHAPES, says=("shapes 2",))
        one = {"__main__.Desk.build": 3, "__main__.Desk.check": 2, "__main__.Desk.is_open": 2, "__main__.outer": 2,
               "__main__.outer.<locals>.inner": 6, "__main__.numbers": 2, "__main__.ticks": 2,
               "__main__.Window.greet": 2}
        counts = spans.counts()
        wrapped = {name for name in counts if name not in one}
        t.equal({k: counts[k] for k in one}, one, python)
        t.equal(sum(counts[name] for name in wrapped), 4, f"{python}: the decorator and what it wraps: {counts}")
        edges = spans.edges()
        t.equal(edges[("__main__.outer", "__main__.outer.<locals>.inner")], 6, f"{python}: {edges}")
        t.equal(edges[("__main__.Window.greet", "__main__.Desk.build")], 2, f"{python}: {edges}")
        greet = spans.named("__main__.Window.greet")[0]
        t.equal((greet.attr("name"), greet.attr("polite"), greet.attr("kind"), greet.attr("said")),
                ("Zoë", False, "__main__.Window", "hello Zoë"), python)
        t.equal({s.attr("n") for s in spans.named("__main__.outer.<locals>.inner")}, {2}, f"{python}: a closure's cell")
        target.go("end")
        t.equal((target.finish()[1], target.err.all()), (0, []), python)


def test_exceptions(t):
    for python in interpreters():
        spans, _ = kiosk(t, python, ["__main__:refuse", "__main__:caught", "__main__:give_up"], says=("errors",))
        t.edges(spans, Counter({(None, "__main__.refuse"): 1, ("__main__.caught", "__main__.refuse"): 1,
                                (None, "__main__.caught"): 1, (None, "__main__.give_up"): 1}))
        for span in spans.named("__main__.refuse"):
            t.equal((span.status, span.exceptions()), ("error", [("RuntimeError", "no price for ä")]), python)
            t.equal(span.attr("error.type"), "RuntimeError", python)
            trace_text = span.events[0]["attributes"]["exception.stacktrace"]
            t.true("kiosk.py" in trace_text and "in refuse" in trace_text, f"{python}: {trace_text}")
        t.equal(spans.named("__main__.caught")[0].error, False, f"{python}: what is caught inside is no error")
        t.equal(spans.named("__main__.give_up")[0].exceptions(), [("__main__.Cancelled", "closing time")], python)


def test_coroutines(t):
    for python in interpreters():
        spans, _ = kiosk(t, python, ["__main__:Desk.serve(total=return['total'], ok=return['ok'], desk=self.number)",
                                     "__main__:Desk.fetch"], says=("crowd 10",))
        t.edges(spans, Counter({(None, "__main__.Desk.serve"): 10, ("__main__.Desk.serve", "__main__.Desk.fetch"): 20}))
        t.equal({(s.attr("total"), s.attr("ok")) for s in spans.named("__main__.Desk.serve")}, {(5, True)}, python)
        t.equal({s.attr("desk") for s in spans.named("__main__.Desk.serve")}, set(range(10)), python)


def test_globs(t):
    for python in (oldest(), newest()):
        spans, _ = kiosk(t, python, ["__main__:Desk.*", "__main__:p*t"], says=("shapes 1", "orders 1"))
        t.equal({n.split(".", 1)[1] for n in spans.counts()},
                {"Desk.build", "Desk.__init__", "Desk.check", "Desk.is_open", "part"}, python)


def test_a_recording_is_replayed(t):
    for python in (oldest(), newest()):
        path, text = t.dir / "kiosk.wft", profile(t, PROFILE)
        target = t.start([python, PROGRAMS / "kiosk.py"])
        ledger = t.dir / "record.json"
        tracer = t.keep_tracer([t.wftrace_path(), "record", "-p", target.target_pid, "-o", path, "--ledger", ledger,
                                "-f", "__main__:refuse", *text], ledger)
        tell(target, "orders 4")
        tell(target, "errors")
        tracer.stop(check=False)
        status, out, err = t.wftrace("replay", path, "--json")
        t.equal(status, 0, "\n".join(err))
        t.equal(sum('"order.odd"' in line for line in out), 3, python)
        t.equal(sum('"RuntimeError"' in line for line in out), 2, python)
        path.unlink()


for _test in [v for n, v in list(vars(sys.modules[__name__]).items()) if n.startswith("test_")]:
    _test.deadline = 300
