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


def test_extended_protocol(t):
    """Two clients, 50 statements each: parse, plan and execute of each, with the text on parse."""
    server, tracer, *_ = traced(t)
    server.pgbench("SELECT 7 + 1;\n", "extended")
    trace = ended(t, server, tracer)
    parsed = [s for s in trace.named("parse") if s.attr("db.query.text", "").startswith("SELECT ? + ?")]
    t.equal(len(parsed), 100, "parsed statements")
    pids = {s.pid for s in parsed}
    t.equal(len(pids), 2, "backends")
    counts = {name: sum(s.pid in pids for s in trace.named(name)) for name in STEPS}
    t.equal(counts, dict.fromkeys(STEPS, 100), "steps")


def test_prepared_statements(t):
    server, tracer, *_ = traced(t)
    server.pgbench("SELECT 7 + 1;\n", "prepared")
    trace = ended(t, server, tracer)
    parsed = [s for s in trace.named("parse") if s.attr("db.query.text", "").startswith("SELECT ? + ?")]
    t.equal(len(parsed), 2, "parsed statements, one for each client")
    pids = {s.pid for s in parsed}
    t.equal(sum(s.pid in pids for s in trace.named("execute")), 100, "executed statements")


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


FAILING = [
    ("SELEC 1;", "syntax error"), ("SELECT * FROM missing;", "does not exist"), ("SELECT 1/0;", "division by zero"),
    ("SELECT 1/n FROM generate_series(0, 0) n;", "division by zero"), ("DO $$ BEGIN RAISE 'own'; END $$;", "own"),
]


def test_sql_errors_leave_right_parents(t):
    """Each error leaves by longjmp; what comes after it is a root with all its steps again."""
    server, tracer, before, after = traced(t, ADDED)
    for turn in range(5):
        for session in (before, after):
            for statement, _ in FAILING:
                session.run(statement)
                t.equal(session.run(f"SELECT {turn} + 40;"), [f"{turn + 40}"], "answer after an error")
    for session in (before, after):
        for statement, words in FAILING:
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
