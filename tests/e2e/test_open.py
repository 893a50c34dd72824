# SPDX-License-Identifier: Apache-2.0
"""Calls that run while wftrace comes or leaves, short calls, limits: what the ledger has names for."""
import os
import pty
import select
import time

from harness import Failure

TRIO = ["tr_outer", "tr_mid", "tr_leaf"]


def hanging(t):
    """Three threads that hang inside tr_outer > tr_mid, traced from before."""
    t.need_wftrace()
    target = t.start(t.build("hang.c"))
    return target


def release(t, target):
    target.send("leave")
    said, status = target.finish()
    t.equal((said, status), (["inside", "good 303"], 0), "output and status")


def test_hanging_calls_are_unfinished_spans(t):
    target = hanging(t)
    tracer = t.attach(target, TRIO)
    target.go()
    target.expect("inside")
    trace = tracer.stop()
    t.edges(trace, {(None, "tr_outer"): 3, ("tr_outer", "tr_mid"): 3})
    t.equal({s.state for s in trace.spans}, {"unfinished"}, "states")
    t.equal(trace.ledger["unfinished"], 6, "unfinished")
    t.equal(trace.ledger["completed"], 0, "completed")
    release(t, target)


def test_hanging_call_that_ends_after_all_is_one_span(t):
    """Announced as open, then finished: nothing is reported twice."""
    target = hanging(t)
    tracer = t.attach(target, TRIO)
    target.go()
    target.expect("inside")
    t.wait_age(1.5)
    release(t, target)
    trace = tracer.stop()
    t.edges(trace, {(None, "tr_outer"): 303, ("tr_outer", "tr_mid"): 303, ("tr_mid", "tr_leaf"): 303})
    t.equal({s.state for s in trace.spans}, {"finished"}, "states")
    long = [s for s in trace.spans if s.duration > 1_000_000_000]
    t.equal(sorted(s.name for s in long), ["tr_mid"] * 3 + ["tr_outer"] * 3, "spans longer than a second")


def test_hanging_calls_are_shown_on_the_terminal(t):
    target = hanging(t)
    master, slave = pty.openpty()
    tracer = t.attach(target, TRIO, json_lines=False, stdout=slave)
    os.close(slave)
    target.go()
    target.expect("inside")
    shown, end = b"", time.monotonic() + 15
    while b"tr_mid" not in shown:
        if not select.select([master], [], [], max(0.0, end - time.monotonic()))[0]:
            raise Failure(f"the hanging call is not shown: {shown[-500:]!r}")
        shown += os.read(master, 4096)
    release(t, target)
    t.drain_terminal(tracer, master)
    tracer.stop()


def test_trees_through_a_pipe(t):
    """Who names the console gets trees also where standard output is no terminal."""
    target = hanging(t)
    tracer = t.attach(target, TRIO, "--to", "console", json_lines=False)
    target.go()
    target.expect("inside")
    release(t, target)
    tracer.stop()
    shown = tracer.out.all()
    t.true(any(line.startswith(("└─ tr_mid", "`- tr_mid")) for line in shown), shown)


def test_short_calls_are_not_announced(t):
    """The sweep looks at stacks of running threads: what begins meanwhile is not old."""
    t.need_wftrace()
    target = t.start([t.build("busy.c"), "0"])
    tracer = t.attach(target, TRIO, json_lines=False, env={**os.environ, "OTEL_TRACES_EXPORTER": "none"})
    target.go()
    calls = 600_000 if t.soak else 200_000
    t.wait(lambda: t.ask(target, "count") > calls, f"{calls} calls", 90)
    trace = tracer.stop(check=False)
    target.send("end")
    target.finish()
    t.equal((trace.ledger["open_announced"], trace.ledger["lost_before"], trace.ledger["balanced"]), (0, 0, True),
            "announced, damaged, balanced")


def test_calls_running_at_attach_are_in_flight(t):
    target = hanging(t)
    target.go()
    target.expect("inside")
    tracer = t.attach(target, TRIO)
    release(t, target)
    trace = tracer.stop()
    t.edges(trace, {
        (None, "tr_leaf"): 3, (None, "tr_outer"): 300, ("tr_outer", "tr_mid"): 300, ("tr_mid", "tr_leaf"): 300,
    })
    t.equal(trace.ledger["exits.in_flight"], 6, "exits of calls that ran before")
    t.equal(trace.ledger["exits.unmatched"], 0, "unmatched exits")


def test_slower_option(t):
    trace = t.compared([t.build("slow.c")], TRIO, "--slower", "150ms")
    t.edges(trace, {(None, "tr_outer"): 5, ("tr_outer", "tr_mid"): 5})
    t.equal(trace.ledger["short"], 140, "short")


def test_short_parent_leaves_a_tombstone(t):
    """Only the parent is limited: its children went out first and get its parent."""
    trace = t.compared([t.build("trio.c"), "1000"], ["tr_outer", "tr_mid slower 10s", "tr_leaf"])
    t.edges(trace, {(None, "tr_outer"): 1000, ("tr_outer", "tr_leaf"): 1000})
    t.equal(trace.ledger["short"], 1000, "short")
    t.equal(trace.ledger["tombstones"], 1000, "tombstones")


def test_short_root_leaves_a_tombstone(t):
    trace = t.compared([t.build("trio.c"), "1000"], ["tr_outer slower 10s", "tr_mid", "tr_leaf"])
    t.edges(trace, {(None, "tr_mid"): 1000, ("tr_mid", "tr_leaf"): 1000})
    t.equal(trace.ledger["tombstones"], 1000, "tombstones")


def test_guard(t):
    """The children of a call that a guard keeps out go to its parent."""
    trace = t.compared([t.build("trio.c"), "1000"], ["tr_outer", "tr_mid when arg1:i64 >= 990", "tr_leaf"])
    t.edges(trace, {
        (None, "tr_outer"): 1000, ("tr_outer", "tr_mid"): 10, ("tr_mid", "tr_leaf"): 10, ("tr_outer", "tr_leaf"): 990,
    })
    t.equal(trace.ledger["guarded"], 990, "guarded")


def test_guarded_root(t):
    """What an outermost call that a guard keeps out calls is outermost itself: a trace each."""
    trace = t.compared([t.build("throw.cc", cc="g++"), "nested"],
                       ["tr_guarded when arg1:i64 < 0", "tr_outer", "tr_cleanup"])
    t.edges(trace, {(None, "tr_outer"): 200, (None, "tr_cleanup"): 200})
    t.equal(len({span.trace for span in trace.spans}), 400, "traces")


def test_depth_option(t):
    trace = t.compared([t.build("trio.c"), "1000"], TRIO, "--depth", "2")
    t.edges(trace, {(None, "tr_outer"): 1000, ("tr_outer", "tr_mid"): 1000})
    t.equal(trace.ledger["guarded"], 1000, "guarded")


def test_names_kinds_and_errors_of_rules(t):
    trace = t.compared([t.build("trio.c"), "100"], [
        "tr_outer as 'work done' kind server", "tr_mid(x=arg1:i64, r=return:i64) error return:i64 > 90", "tr_leaf kind client"])
    t.edges(trace, {(None, "work done"): 100, ("work done", "tr_mid"): 100, ("tr_mid", "tr_leaf"): 100})
    t.equal({(s.name, s.kind) for s in trace.spans}, {
        ("work done", "server"), ("tr_mid", "internal"), ("tr_leaf", "client")}, "kinds")
    for span in trace.named("tr_mid"):
        t.equal(span.attr("r"), span.attr("x") + 1, f"return value of {span}")
        t.equal(span.error, span.attr("r") > 90, f"error status of {span}")


def test_glob(t):
    trace = t.compared([t.build("trio.c"), "100"], ["tr_*"])
    t.edges(trace, {(None, "tr_outer"): 100, ("tr_outer", "tr_mid"): 100, ("tr_mid", "tr_leaf"): 100})


def test_exit_sites_against_ret_probes(t):
    """The same program by exit sites and by RET probes: the same calls, the same parents."""
    program = t.build("trio.c", flags=("-O2", "-g0", "-fstack-protector-strong"))
    by_site = t.compared([program, "1000"], TRIO)
    by_ret = t.compared([program, "1000"], TRIO, "--ret-only")
    t.equal(by_site.edges(), dict(by_ret.edges()), "parents")


def test_dry_run_arms_nothing(t):
    t.need_wftrace()
    target = t.start([t.build("trio.c"), "10"])
    status, out, _ = t.wftrace("attach", "-p", str(target.target_pid), "-f", "tr_mid", "--dry-run")
    t.equal(status, 0, "status")
    t.true(any("tr_mid" in line for line in out), f"the function is not listed: {out[:10]}")
    target.go()
    t.equal(target.finish()[1], 0, "exit status")
