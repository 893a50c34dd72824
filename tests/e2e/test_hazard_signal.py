# SPDX-License-Identifier: Apache-2.0
"""Targets that are stopped or killed, and a wftrace that is killed or loses its output or terminal."""
import fcntl
import os
import pty
import select
import signal
import termios
import time

from proc import PATIENCE
from probes import probed

TRIO = ["tr_outer", "tr_mid", "tr_leaf"]
GONE_S = 1.0 * PATIENCE  # until no probe is left behind a killed wftrace


def busy(t, pace="4"):
    """(program, target): one that calls until it is told to stop."""
    t.need_wftrace()
    program = t.build("busy.c")
    target = t.start([program, pace])
    return program, target


def goes_on(t, program, target):
    """No probe is left, the program still works, and every result was right."""
    t.equal(probed(target.target_pid, program), [], "file offsets with a probe left behind")
    before = t.ask(target, "count")
    t.wait(lambda: t.ask(target, "count") > before, "the target goes on")
    target.send("stop")
    said, status = target.finish()
    t.equal((said[-1], status), ("wrong 0", 0), "results and status")


def under_load(t, target, calls=2000):
    """Wait until the target has made some more calls."""
    start = t.ask(target, "count")
    t.wait(lambda: t.ask(target, "count") >= start + calls, f"{calls} more calls", 30)


def state(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
        return f.read().rsplit(")", 1)[1].split()[0]


def test_attach_to_a_stopped_target(t):
    t.need_wftrace()
    target = t.start([t.build("trio.c"), "1000"])
    os.kill(target.target_pid, signal.SIGSTOP)
    t.wait(lambda: state(target.target_pid) == "T", "the target is stopped")
    tracer = t.attach(target, TRIO)
    os.kill(target.target_pid, signal.SIGCONT)
    target.go()
    t.equal(target.finish(), (["round 0 total 1499500"], 0), "output and status")
    t.edges(tracer.stop(), {(None, "tr_outer"): 1000, ("tr_outer", "tr_mid"): 1000, ("tr_mid", "tr_leaf"): 1000})


def test_leave_a_stopped_target(t):
    program, target = busy(t)
    tracer = t.attach(target, TRIO)
    target.go()
    under_load(t, target)
    os.kill(target.target_pid, signal.SIGSTOP)
    t.wait(lambda: state(target.target_pid) == "T", "the target is stopped")
    tracer.stop()
    os.kill(target.target_pid, signal.SIGCONT)
    goes_on(t, program, target)


def test_target_killed(t):
    _, target = busy(t)
    tracer = t.attach(target, TRIO)
    target.go()
    under_load(t, target)
    os.kill(target.target_pid, signal.SIGKILL)
    t.equal(target.finish()[1], -9, "exit status")
    trace = tracer.stop()
    t.true(len(trace.spans) >= 6000, f"only {len(trace.spans)} spans")
    t.true(trace.ledger["abandoned"] <= 6, f"abandoned: {trace.ledger['abandoned']}")


def test_wftrace_ends_when_its_target_has_ended(t):
    t.need_wftrace()
    target = t.start([t.build("trio.c"), "10"])
    tracer = t.attach(target, TRIO)
    target.go()
    target.finish()
    t.wait(lambda: not tracer.alive(), "wftrace ends by itself", 10)
    t.equal(len(tracer.stop().spans), 30, "spans")


def test_wftrace_killed_under_load(t):
    program, target = busy(t, "0")
    tracer = t.attach(target, TRIO)
    target.go()
    under_load(t, target)
    t.true(probed(target.target_pid, program), "no probes in the target")
    begin = time.monotonic()
    tracer.signal(signal.SIGKILL)
    t.wait(lambda: not probed(target.target_pid, program), "probes gone after kill -9", 10)
    took = time.monotonic() - begin
    t.true(took <= GONE_S, f"probes were left for {took:.2f} s, more than {GONE_S:g} s")
    goes_on(t, program, target)


def test_wftrace_killed_while_arming(t):
    """Killed at once after its start, ten times, at some other point each time."""
    program, target = busy(t)
    target.go()
    for turn in range(10):
        tracer = t.attach(target, TRIO, wait=False)
        t.wait(lambda tracer=tracer, turn=turn: not tracer.alive() or cpu_ticks(tracer.pid) >= turn,
               "some work was done", 10)
        tracer.signal(signal.SIGKILL)
        tracer.popen.wait(10)
    t.wait(lambda: not probed(target.target_pid, program), "probes gone", 5)
    goes_on(t, program, target)


def cpu_ticks(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            part = f.read().rsplit(")", 1)[1].split()
        return int(part[11]) + int(part[12])
    except OSError:
        return 1 << 30


def left_well(t, tracer, program, target):
    """wftrace ends by itself with a ledger that balances, and leaves nothing behind."""
    t.wait(lambda: not tracer.alive(), "wftrace ends by itself", 15)
    t.equal(tracer.popen.returncode, 0, "status of wftrace")
    t.equal(tracer.read_ledger()["balanced"], True, "balanced")
    goes_on(t, program, target)


def read_some(t, fd):
    t.true(select.select([fd], [], [], 20)[0] and os.read(fd, 100), "no output from wftrace")


def test_output_closed(t):
    """The reader of its stdout goes away, as `| head` does."""
    program, target = busy(t)
    reader, writer = os.pipe()
    tracer = t.attach(target, TRIO, stdout=writer)
    os.close(writer)
    target.go()
    read_some(t, reader)
    os.close(reader)
    left_well(t, tracer, program, target)


def test_terminal_gone(t):
    """The terminal that it runs on is closed: SIGHUP, and writes fail."""
    program, target = busy(t)
    master, slave = pty.openpty()

    def own_terminal():
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

    tracer = t.attach(target, TRIO, json_lines=False, stdout=slave, preexec_fn=own_terminal)
    os.close(slave)
    target.go()
    read_some(t, master)
    os.close(master)
    left_well(t, tracer, program, target)


def test_sigterm(t):
    program, target = busy(t)
    tracer = t.attach(target, TRIO)
    target.go()
    under_load(t, target)
    tracer.stop(signal.SIGTERM)
    goes_on(t, program, target)


def test_attach_and_detach_cycles(t):
    """20 cycles on a busy target, 1,000 in a soak; each ledger balances, nothing is left."""
    program, target = busy(t, "1")
    target.go()
    for turn in range(1000 if t.soak else 20):
        tracer = t.attach(target, TRIO)
        under_load(t, target, 200)
        trace = tracer.stop()
        t.true(trace.spans, f"no spans in cycle {turn}")
        t.equal(trace.ledger["exits.unmatched"], 0, f"unmatched exits in cycle {turn}")
        t.equal(probed(target.target_pid, program), [], f"file offsets with a probe left behind by cycle {turn}")
        t.processes.remove(tracer)
    goes_on(t, program, target)


test_attach_and_detach_cycles.deadline = 300


def test_duration_option(t):
    """-d ends the trace."""
    program, target = busy(t)
    tracer = t.attach(target, TRIO, "-d", "500ms")
    target.go()
    left_well(t, tracer, program, target)


def test_detach_is_harmless_for_a_full_pipe(t):
    """Nobody reads its stdout: SIGINT still ends it, and the target is never held up."""
    program, target = busy(t)
    reader, writer = os.pipe()
    tracer = t.attach(target, TRIO, stdout=writer)
    os.close(writer)
    target.go()
    under_load(t, target, 20000)
    tracer.signal(signal.SIGINT)
    t.wait(lambda: not probed(target.target_pid, program), "probes gone", 10)
    goes_on(t, program, target)
    os.close(reader)
    tracer.popen.wait(20)
    t.true(tracer.popen.returncode in (0, 1), f"status of wftrace: {tracer.popen.returncode}")


