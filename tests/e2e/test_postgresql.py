# SPDX-License-Identifier: Apache-2.0
"""A running, stripped PostgreSQL: backends from before and after, both protocols, errors, locks, hangs."""
import os
import pty
import select
import time

from harness import Failure
from postgres import Server

STEPS = ["parse", "rewrite", "plan", "execute"]
ADDED = ["pg_analyze_and_rewrite*", "planner", "PortalRun", "ExecutorRun"]
SLEEP_NS = 60_000_000


def traced(t, rules=(), profile=True, **more):
    """(server, tracer, a backend from before, a backend from after)."""
    t.need_wftrace()
    server = Server(t)
    before = server.session()
    options = ["--profile", "postgresql"] if profile else []
    tracer = t.attach(server.pids(), list(rules), *options, **more)
    return server, tracer, before, server.session()


def ended(t, server, tracer):
    """Stop tracing, then the server, which must end well; the trace."""
    trace = tracer.stop()
    t.equal(server.stop(), 0, "exit status of the server")
    t.equal(trace.ledger["ring_full"], 0, "lost to a full ring")
    return trace


def queries(trace, session, text):
    """The query spans of one backend whose statement begins so, in their order."""
    found = [s for s in trace.named("query") if s.pid == session.backend and s.attr("db.query.text", "").startswith(text)]
    return sorted(found, key=lambda s: s.start)


def check_simple(t, trace, span, steps=None):
    """One simple query is one tree: the root with its steps in their order."""
    t.true(span.parent is None, f"a query is no root: {span} below {trace.parent(span)}")
    t.equal([s.name for s in trace.children(span)], steps or STEPS, f"steps of {span}")


def test_backends_from_before_and_after(t):
    server, tracer, before, after = traced(t)
    for session in (before, after):
        for i in range(20):
            t.equal(session.run(f"SELECT {i} + 1, 'a secret';"), [f"{i + 1}|a secret"], "answer")
    trace = ended(t, server, tracer)
    for session in (before, after):
        found = queries(trace, session, "SELECT ? + ?, ?")
        t.equal(len(found), 20, f"queries of {'before' if session is before else 'after'}")
        for span in found:
            check_simple(t, trace, span)
            t.equal((span.kind, span.attr("db.system.name")), ("server", "postgresql"), f"kind and system of {span}")
    t.true("secret" not in "".join(str(s.raw) for s in trace.spans), "a literal of the SQL text was reported")


def of_clients(trace, text):
    """The query spans with this text; each is a root, and nothing else has no parent."""
    found = sorted((s for s in trace.named("query") if s.attr("db.query.text", "").startswith(text)), key=lambda s: s.start)
    pids = {s.pid for s in found}
    return found, [s for s in trace.spans if s.pid in pids and s.parent is None]


def test_extended_protocol(t):
    """Two clients, 50 statements each: parse, bind and execute are three messages and one tree."""
    server, tracer, *_ = traced(t)
    server.pgbench("SELECT 7 + 1;\n", "extended")
    trace = ended(t, server, tracer)
    found, roots = of_clients(trace, "SELECT ? + ?")
    t.equal(len(found), 100, "statements")
    t.equal(len({s.pid for s in found}), 2, "backends")
    for span in found:
        check_simple(t, trace, span)
        t.equal((span.kind, span.attr("db.operation.name"), span.status), ("server", "SELECT", "unset"), f"of {span}")
    t.equal([s.name for s in roots if s.name != "query"], [], "roots that are no query")


def test_prepared_statements(t):
    """What prepares a statement is a tree without execute; then bind and execute are one tree a statement."""
    server, tracer, *_ = traced(t)
    server.pgbench("SELECT 7 + 1;\n", "prepared")
    trace = ended(t, server, tracer)
    found, roots = of_clients(trace, "SELECT ? + ?")
    steps = [[c.name for c in trace.children(s)] for s in found]
    t.equal(sum(names.count("execute") == 1 and "parse" not in names for names in steps), 100, "executed statements")
    t.equal(steps.count(["parse", "rewrite"]), 2, "prepared statements, one for each client")
    t.equal(len(found), 102, "trees")
    t.equal([s.name for s in roots if s.name != "query"], [], "roots that are no query")


def pipelined(t, protocol):
    server, tracer, *_ = traced(t)
    server.pgbench("\\startpipeline\nSELECT 1 AS a;\nSELECT 2 AS b;\nSELECT 3 AS c;\n\\endpipeline\n", protocol, times=20)
    trace = ended(t, server, tracer)
    found = [s for s in of_clients(trace, "SELECT ? AS")[0] if "execute" in [c.name for c in trace.children(s)]]
    t.equal(len(found), 2 * 20 * 3, "statements")
    for span in found:
        t.true(span.parent is None, f"a query is no root: {span}")
        t.equal([c.name for c in trace.children(span)].count("execute"), 1, f"executions of {span}")
    for pid in {s.pid for s in found}:
        names = [s.attr("db.query.text").rstrip(";")[-1] for s in found if s.pid == pid]
        t.equal(names, ["a", "b", "c"] * 20, "statements of one client in their order")
    return found, trace


def test_pipeline_of_extended_statements(t):
    """Three statements and one sync: three trees."""
    found, trace = pipelined(t, "extended")
    for span in found:
        t.equal([s.name for s in trace.children(span)], STEPS, f"steps of {span}")


def test_pipeline_of_prepared_statements(t):
    pipelined(t, "prepared")


def test_error_in_the_extended_protocol(t):
    """The failed statement is an error, and its backend's others are not."""
    server, tracer, *_ = traced(t)
    server.pgbench("SELECT 5 AS good;\nSELECT 1 / (5 - 5) AS bad;\n", "extended", times=1, status=2)
    trace = ended(t, server, tracer)
    for text, status in (("SELECT ? AS good", "unset"), ("SELECT ? / (? - ?) AS bad", "error")):
        found, _ = of_clients(trace, text)
        t.equal([s.status for s in found], [status] * 2, f"status of {text}")
        t.true(all(s.parent is None for s in found), f"{text} is a root")
    t.equal([e["attributes"]["db.response.status_code"] for s in found for e in s.events], ["22012"] * 2, "SQLSTATE")


def test_statements_of_a_transaction(t):
    """Idle in a transaction ends a statement's tree too."""
    server, tracer, before, _ = traced(t)
    for statement in ("BEGIN;", "SELECT 40 + 2;", "SELECT 40 + 3; SELECT 40 + 4;", "COMMIT;"):
        before.run(statement)
    trace = ended(t, server, tracer)
    mine = [s for s in queries(trace, before, "")]
    t.equal([s.attr("db.query.text") for s in mine],
            ["BEGIN;", "SELECT ? + ?;", "SELECT ? + ?;", "SELECT ? + ?;", "COMMIT;"], "statements")
    for span in mine:
        t.true(span.parent is None, f"a query is no root: {span}")


def check_wrappers(t, trace, root):
    """The added functions lie in the query's tree, and wrappers last as long as what they jump to."""
    below = [root]
    for span in below:
        below += trace.children(span)
    names = [s.name for s in below]
    for name in ("planner", "PortalRun", "ExecutorRun", *STEPS):
        t.equal(names.count(name), 1, f"{name} in the tree of {root}")
    t.true(any(name.startswith("pg_analyze_and_rewrite") for name in names), f"no pg_analyze_and_rewrite* in {names}")
    one = {s.name: s for s in below}
    for name in ("PortalRun", "ExecutorRun", "execute"):
        t.true(one[name].duration >= SLEEP_NS, f"shorter than the statement sleeps: {one[name]}")
    t.equal(trace.parent(one["planner"]).name, "plan", "parent of planner")
    t.equal(trace.parent(one["execute"]).name, "PortalRun", "parent of execute")
    t.true(trace.parent(one["ExecutorRun"]).name in ("execute", "PortalRun"), "parent of ExecutorRun")


def test_exported_functions_added_to_the_profile(t):
    server, tracer, before, after = traced(t, ADDED)
    for session in (before, after):
        session.run("SELECT pg_sleep(0.06);")
    trace = ended(t, server, tracer)
    for session in (before, after):
        root, = queries(trace, session, "SELECT pg_sleep")
        check_wrappers(t, trace, root)


def test_exported_functions_in_the_extended_protocol(t):
    server, tracer, *_ = traced(t, ADDED)
    server.pgbench("SELECT pg_sleep(0.06);\n", "extended", times=3)
    trace = ended(t, server, tracer)
    found, roots = of_clients(trace, "SELECT pg_sleep")
    t.equal(len(found), 6, "statements")
    t.equal([s.name for s in roots if s.name != "query"], [], "roots that are no query")
    for root in found:
        check_wrappers(t, trace, root)


def test_wrapper_and_its_standard_twin(t):
    """ExecutorRun and planner are a test of a hook and a jump: their twins are their children."""
    server, tracer, before, _ = traced(
        t, ["planner", "standard_planner", "ExecutorRun", "standard_ExecutorRun", "ProcessUtility", "standard_ProcessUtility"],
        profile=False)
    before.run("SELECT pg_sleep(0.06);")
    before.run("CREATE TABLE twins (n int);")
    trace = ended(t, server, tracer)
    mine = [s for s in trace.spans if s.pid == before.backend]
    for name in ("planner", "ExecutorRun", "ProcessUtility"):
        wrappers = [s for s in mine if s.name == name]
        t.true(wrappers, f"no call of {name}")
        for span in wrappers:
            inner = [s for s in trace.children(span) if s.name == f"standard_{name}"]
            t.equal(len(inner), 1, f"calls of standard_{name} below {span}")
            t.true(span.end >= inner[0].end, f"ends before what it jumps to: {span}")
    t.true(any(s.duration >= SLEEP_NS for s in mine if s.name == "ExecutorRun"), "ExecutorRun lasts as long as the sleep")


FAILING = [  # statement, a part of its message, its SQLSTATE
    ("SELEC 1;", "syntax error", "42601"), ("SELECT * FROM missing;", "does not exist", "42P01"),
    ("SELECT 1/0;", "division by zero", "22012"),
    ("SELECT 1/n FROM generate_series(0, 0) n;", "division by zero", "22012"),
    ("DO $$ BEGIN RAISE 'own'; END $$;", "own", "P0001"),
]
CAUGHT = "DO $$ BEGIN PERFORM 1/0; EXCEPTION WHEN division_by_zero THEN NULL; END $$;"


def check_failed(t, found):
    """Every third query failed, with the state that its statement leads to; the others did not."""
    states = [[e["attributes"]["db.response.status_code"] for e in s.events if e["name"] == "sqlstate"] for s in found]
    t.equal([s.status for s in found], ["error", "unset", "unset"] * 5 * len(FAILING), "status of the queries")
    t.equal(states[0::3], [[state] for *_, state in FAILING] * 5, "SQLSTATE of those that failed")
    t.equal(states[1::3], [["22012"]] * 5 * len(FAILING), "SQLSTATE of those that caught their error")
    t.equal([s for s in states[2::3] if s], [], "SQLSTATE of those that went well")


def test_sql_errors_leave_right_parents(t):
    """Each error leaves by longjmp; what comes after it is a root with all its steps again."""
    server, tracer, before, after = traced(t, ADDED)
    for turn in range(5):
        for session in (before, after):
            for statement, *_ in FAILING:
                session.run(statement)
                session.run(CAUGHT)
                t.equal(session.run(f"SELECT {turn} + 40;"), [f"{turn + 40}"], "answer after an error")
    for session in (before, after):
        for statement, words, _ in FAILING:
            t.wait(lambda: "\n".join(session.err.lines).count(words) >= 5, f"{statement} fails each time")
    trace = ended(t, server, tracer)
    for session in (before, after):
        for span in queries(trace, session, ""):
            t.true(span.parent is None, f"a query is no root: {span} below {trace.parent(span)}")
        good = queries(trace, session, "SELECT ? + ?")
        t.equal(len(good), 5 * len(FAILING), "queries that went well")
        for span in good:
            names = [s.name for s in trace.children(span)]
            t.equal([n for n in names if n in ("parse", "plan")], ["parse", "plan"], f"steps of {span}")
            t.true(not any(n.startswith("query") for n in names), f"a query below a query: {span}")
        check_failed(t, [s for s in queries(trace, session, "") if "pg_backend_pid" not in s.attr("db.query.text")])
    t.true(trace.ledger["abandoned"] >= 2 * 5 * 3, f"abandoned: {trace.ledger['abandoned']}")


def locked(server):
    """(one that holds a lock on a table, one that is to wait for it)."""
    holder, waiter = server.session(), server.session()
    holder.run("CREATE TABLE IF NOT EXISTS held (n int);")
    holder.run("BEGIN; LOCK TABLE held;")
    return holder, waiter


def hang(t, holder, waiter):
    """Let it wait, and come back when PostgreSQL itself says that it does."""
    turn = waiter.begin("SELECT count(*) FROM held;")
    t.wait(lambda: holder.run(f"SELECT wait_event_type FROM pg_stat_activity WHERE pid = {waiter.backend};") == ["Lock"],
           "the backend waits for the lock", 20)
    return turn


def test_lock_waits_are_events(t):
    server, tracer, *_ = traced(t)
    holder, waiter = locked(server)
    turn = hang(t, holder, waiter)
    holder.run("COMMIT;")
    t.equal(waiter.end(turn), ["0"], "answer")
    trace = ended(t, server, tracer)
    events = [(event["name"], event["attributes"], span) for span in trace.spans if span.pid == waiter.backend
              for event in span.events if event["name"].startswith("lock.wait")]
    t.equal([name for name, *_ in events], ["lock.wait.start", "lock.wait.done"], "events of the one that waited")
    _, attributes, span = events[0]
    t.equal((attributes["postgresql.lock.type"], attributes["postgresql.lock.mode"]), ("relation", "AccessShareLock"), "the lock")
    root = span
    while trace.parent(root):
        root = trace.parent(root)
    t.equal(root.attr("db.query.text"), "SELECT count(*) FROM held;", "the query that waited")


def test_query_that_hangs_is_an_unfinished_span(t):
    server, tracer, *_ = traced(t)
    holder, waiter = locked(server)
    turn = hang(t, holder, waiter)
    trace = tracer.stop()
    open_now = [s for s in trace.spans if s.state == "unfinished" and s.pid == waiter.backend]
    t.true(any(s.name == "query" and s.attr("db.query.text") == "SELECT count(*) FROM held;" for s in open_now),
           f"the hanging query is not among the unfinished spans: {open_now}")
    holder.run("COMMIT;")
    t.equal(waiter.end(turn), ["0"], "answer")
    t.equal(server.stop(), 0, "exit status of the server")


def test_query_that_hangs_is_shown_on_the_terminal(t):
    master, slave = pty.openpty()
    server, tracer, *_ = traced(t, json_lines=False, stdout=slave)
    os.close(slave)
    holder, waiter = locked(server)
    turn = hang(t, holder, waiter)
    shown, end = b"", time.monotonic() + 15
    while b"SELECT count(*) FROM held" not in shown:
        if not select.select([master], [], [], max(0.0, end - time.monotonic()))[0]:
            raise Failure(f"the hanging query is not shown: {shown[-800:]!r}")
        shown += os.read(master, 65536)
    holder.run("COMMIT;")
    waiter.end(turn)
    t.drain_terminal(tracer, master)
    tracer.stop()
    t.equal(server.stop(), 0, "exit status of the server")


for test in list(vars().values()):
    if callable(test) and getattr(test, "__name__", "").startswith("test_"):
        test.deadline = 240
