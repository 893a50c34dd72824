# SPDX-License-Identifier: Apache-2.0
"""A stripped library in running processes: libsqlite3 in python3 and in the sqlite3 shell."""
import os
from pathlib import Path

from harness import Skip, need_tool

PYTHON = "/usr/bin/python3"
ROWS = 100

PROGRAM = f"""
import os, sqlite3, sys
print("ready", os.getpid(), flush=True)
sys.stdin.readline()
c = sqlite3.connect(":memory:", isolation_level=None)
c.execute("CREATE TABLE t (n INTEGER)")
for i in range({ROWS}):
    c.execute("INSERT INTO t VALUES (?)", (i,))
print("sum", c.execute("SELECT sum(n) FROM t").fetchone()[0])
try:
    c.execute("SELECT * FROM missing")
except sqlite3.OperationalError as e:
    print("error", e)
"""


def need_library():
    if not list(Path("/usr/lib/x86_64-linux-gnu").glob("libsqlite3.so*")) or not os.path.exists(PYTHON):
        raise Skip("no libsqlite3 or no python3 of the distribution", required=True)


def test_sqlite_in_a_running_python(t):
    need_library()
    trace = t.compared([PYTHON, "-c", PROGRAM], [
        "sqlite3_step@libsqlite3*", "sqlite3_prepare_v2@libsqlite3*(db.query.text=arg2:str, r=return:i32)"])
    counts = trace.counts()
    t.true(counts["sqlite3_step"] >= ROWS + 2, f"calls: {counts}")
    texts = [s.attr("db.query.text") for s in sorted(trace.named("sqlite3_prepare_v2"), key=lambda s: s.start)]
    for text in ("CREATE TABLE t (n INTEGER)", "INSERT INTO t VALUES (?)", "SELECT sum(n) FROM t", "SELECT * FROM missing"):
        t.true(text in texts, f"{text!r} is not among the statements: {texts}")
    failed = [s for s in trace.named("sqlite3_prepare_v2") if s.attr("db.query.text") == "SELECT * FROM missing"]
    t.equal([s.attr("r") for s in failed], [1], "return value of the statement that fails")
    for span in trace.spans:
        t.equal(span.attr("code.function.name"), span.name, "the function's name as an attribute")


def test_same_calls_by_exit_sites_and_by_ret(t):
    need_library()
    rules = ["sqlite3_*@libsqlite3*"]
    by_site = t.compared([PYTHON, "-c", PROGRAM], rules)
    by_ret = t.compared([PYTHON, "-c", PROGRAM], rules, "--ret-only")
    t.true(len(by_site.counts()) >= 10, f"functions called: {by_site.counts()}")
    t.equal(by_site.edges(), dict(by_ret.edges()), "parents")


def test_sqlite_shell(t):
    """The shell reads its statements from a pipe, so it waits until it is traced."""
    shell = need_tool("sqlite3")
    need_library()
    t.need_wftrace()
    process = t.spawn([shell, "-batch", ":memory:"])
    process.send("SELECT 'up';")
    t.true(process.out.wait(lambda line: line == "up", 20), "the shell never answered")
    tracer = t.attach(process.pid, ["sqlite3_exec", "sqlite3_step@libsqlite3*",
                                    "sqlite3_prepare_v2@libsqlite3*(db.query.text=arg2:str)"])
    for statement in ("CREATE TABLE t (n);", "INSERT INTO t VALUES (1), (2), (3);", "SELECT sum(n) FROM t;"):
        process.send(statement)
    t.equal(process.wait(), 0, "exit status")
    t.equal(process.out.all(), ["up", "6"], "output")
    trace = tracer.stop()
    texts = [s.attr("db.query.text") for s in trace.named("sqlite3_prepare_v2")]
    for text in ("CREATE TABLE t", "INSERT INTO t VALUES", "SELECT sum(n)"):
        t.true(any(x and x.startswith(text) for x in texts), f"{text!r} is not among the statements: {texts}")


def test_a_second_process_of_the_library_stays_out(t):
    need_library()
    t.need_wftrace()
    traced, other = t.start([PYTHON, "-c", PROGRAM]), t.start([PYTHON, "-c", PROGRAM])
    tracer = t.attach(traced, ["sqlite3_step@libsqlite3*"])
    for process in (other, traced):
        process.go()
        t.equal(process.finish()[1], 0, "exit status")
    t.equal({s.pid for s in tracer.stop().spans}, {traced.target_pid}, "processes")
