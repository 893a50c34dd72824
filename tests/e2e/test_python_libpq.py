# SPDX-License-Identifier: Apache-2.0
"""A Python program that asks PostgreSQL through libpq: its native calls under the right Python span."""
import sys
from collections import Counter

from harness import PROGRAMS
from load import pythons
from postgres import Server
from shop import tell

RULES = ["orders_libpq.py:visit(n=arg.n)", "orders_libpq.py:query(n=arg.n)", "orders_libpq.py:broken",
         "orders_libpq.py:worker", "PQexec*@libpq*"]
VISIT, QUERY, BROKEN, WORKER = (f"__main__.{name}" for name in ("visit", "query", "broken", "worker"))
GUESTS, THREADS, TIMES = 100, 4, 25


def test_libpq_under_coroutines_and_threads(t):
    t.need_wftrace()
    server = Server(t)
    for python in pythons():
        target = t.start([python, PROGRAMS / "orders_libpq.py", f"host={server.directory} user={server.user.pw_name} dbname=postgres"])
        tracer = t.attach(target, RULES)
        for line in (f"crowd {GUESTS}", f"threads {TIMES}", "broken 0"):
            tell(target, line)
        trace = tracer.stop(check=False)
        tell(target, f"crowd {GUESTS}")
        target.go("end")
        t.equal((target.finish()[1], target.err.all()), (0, []), f"{python}: status and stderr")
        trace.check(turns=True)
        calls = THREADS * TIMES
        t.edges(trace, Counter({(None, VISIT): GUESTS, (VISIT, QUERY): 2 * GUESTS, (None, WORKER): THREADS, (WORKER, QUERY): calls,
                                (QUERY, "PQexec"): 2 * GUESTS + calls, (None, BROKEN): 1, (BROKEN, "PQexec"): 1}))
        for span in trace.named(VISIT):
            t.equal([s.attr("n") for s in trace.children(span)], [span.attr("n")] * 2, f"{python}: its own queries")
        fault, = trace.named(BROKEN)
        t.equal([kind for kind, _ in fault.exceptions()], ["psycopg2.errors.DivisionByZero"], f"{python}: {fault}")
    t.equal(server.stop(), 0, "status of the server")


for _test in [v for n, v in list(vars(sys.modules[__name__]).items()) if n.startswith("test_")]:
    _test.deadline = 300
