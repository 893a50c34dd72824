# SPDX-License-Identifier: Apache-2.0
"""Others who look at the same process: seccomp, debuggers, perf, bpftrace, a second wftrace, a time namespace."""
import os
import signal
import time

from harness import Skip, need_tool
from probes import function_probed, probed, symbols

TRIO = ["tr_outer", "tr_mid", "tr_leaf"]
TRIO_1000 = {(None, "tr_outer"): 1000, ("tr_outer", "tr_mid"): 1000, ("tr_mid", "tr_leaf"): 1000}
DONE = (["round 0 total 1499500"], 0)


def test_seccomp_filter(t):
    """The filter kills on any system call that is not read, write or exit."""
    trace = t.compared([t.build("strict.c"), "filter"], TRIO)
    t.edges(trace, TRIO_1000)


def test_seccomp_strict_mode(t):
    trace = t.compared([t.build("strict.c"), "mode1"], TRIO)
    t.edges(trace, TRIO_1000)


def tracer_pid(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("TracerPid"))


def debugged(t, first):
    """gdb holds the program, with a breakpoint that is passed 500 times in the midst of longjmps."""
    gdb = need_tool("gdb")
    t.need_wftrace()
    program = t.build("jump.c")
    plain = t.plain([program, "longjmp"])
    target = t.start([program, "longjmp"])
    command = [gdb, "-q", "-nx", "-batch", "-p", str(target.target_pid), "-ex", "set confirm off",
               "-ex", "handle all nostop noprint pass", "-ex", "break sink_deeper", "-ex", "ignore 1 1000000",
               "-ex", "continue"]

    def start_gdb():
        debugger = t.spawn(command)
        t.wait(lambda: tracer_pid(target.target_pid) == debugger.pid
               and function_probed(target.target_pid, program, "sink_deeper"), "gdb is attached", 60)
        return debugger

    if first == "gdb":
        debugger = start_gdb()
    tracer = t.attach(target, TRIO + ["tr_after"])
    if first == "wftrace":
        debugger = start_gdb()
    target.go()
    t.equal(target.finish(), plain, "output and status")
    debugger.wait()
    trace = tracer.stop()
    t.edges(trace, {
        (None, "tr_outer"): 1000, ("tr_outer", "tr_mid"): 1000, ("tr_mid", "tr_leaf"): 500, (None, "tr_after"): 500,
    })


def test_attach_to_a_debugged_program(t):
    debugged(t, "gdb")


def test_debugger_comes_later(t):
    debugged(t, "wftrace")


def bpftraced(t, first):
    """bpftrace counts the entries of the same function."""
    bpftrace = need_tool("bpftrace")
    t.need_wftrace()
    program = t.build("trio.c")
    target = t.start([program, "1000"])

    def start_bpftrace():
        other = t.spawn([bpftrace, "-p", str(target.target_pid), "-e", f"uprobe:{program}:tr_mid {{ @calls = count(); }}"])
        before = len(probed(target.target_pid, program))
        t.wait(lambda: not other.alive() or len(probed(target.target_pid, program)) > before
               or (before and other.out.wait(lambda line: line.startswith("Attaching"), 0.1)), "bpftrace is attached", 60)
        if not other.alive():
            raise Skip("bpftrace does not run here: " + " ".join(other.err.lines)[:200])
        return other

    if first == "bpftrace":
        other = start_bpftrace()
        t.true(function_probed(target.target_pid, program, "tr_mid"), "bpftrace's probe is there")
    tracer = t.attach(target, TRIO)
    if first == "wftrace":
        other = start_bpftrace()
    target.go()
    t.equal(target.finish(), DONE, "output and status")
    other.signal(signal.SIGINT)
    other.wait()
    counted = [line for line in other.out.all() if line.startswith("@calls")]
    if first == "bpftrace":
        t.equal(counted, ["@calls: 1000"], "what bpftrace counted")
    t.edges(tracer.stop(), TRIO_1000)


def test_bpftrace_was_first_on_the_same_function(t):
    bpftraced(t, "bpftrace")


def test_bpftrace_comes_later_on_the_same_function(t):
    bpftraced(t, "wftrace")


PERF = """
[ -e /sys/kernel/tracing/uprobe_events ] || mount -t tracefs none /sys/kernel/tracing || exit 77
echo "p:wfe2e/mid_$$ $1:$2" >> /sys/kernel/tracing/uprobe_events || exit 77
perf stat -x, -e "wfe2e:mid_$$" -p "$3"
status=$?
echo "-:wfe2e/mid_$$" >> /sys/kernel/tracing/uprobe_events
exit $status
"""


def test_perf_on_the_same_function(t):
    need_tool("perf")
    t.need_wftrace()
    program = t.build("trio.c")
    target = t.start([program, "1000"])
    offset = f"0x{symbols(program)['tr_mid'][0]:x}"
    perf = t.spawn(["unshare", "--mount", "sh", "-c", PERF, "sh", program, offset, str(target.target_pid)])
    t.wait(lambda: not perf.alive() or function_probed(target.target_pid, program, "tr_mid"), "perf is attached", 30)
    if not perf.alive():
        raise Skip("perf cannot probe here: " + " ".join(perf.err.all())[:200])
    tracer = t.attach(target, TRIO)
    target.go()
    t.equal(target.finish(), DONE, "output and status")
    perf.wait()
    counted = [line.split(",")[0] for line in perf.err.all() if "wfe2e" in line]
    t.edges(tracer.stop(), TRIO_1000)
    t.equal(counted, ["1000"], "what perf counted")


def test_second_wftrace(t):
    t.need_wftrace()
    target = t.start([t.build("trio.c"), "1000"])
    tracers = [t.attach(target, TRIO), t.attach(target, ["tr_mid", "tr_leaf"])]
    target.go()
    t.equal(target.finish(), DONE, "output and status")
    first, second = (tracer.stop() for tracer in tracers)
    t.edges(first, TRIO_1000)
    t.edges(second, {(None, "tr_mid"): 1000, ("tr_mid", "tr_leaf"): 1000})


def test_second_wftrace_leaves_first(t):
    """One of two tracers leaves in the midst; the other one loses nothing."""
    t.need_wftrace()
    target = t.start([t.build("trio.c"), "500", "2"])
    stays, leaves = t.attach(target, TRIO), t.attach(target, TRIO)
    target.go()
    target.expect("round 0")
    t.equal(leaves.stop().counts(), {name: 500 for name in TRIO}, "calls seen by the one that left")
    target.send("go on")
    t.equal(target.finish()[1], 0, "exit status")
    t.edges(stays.stop(), TRIO_1000)


def test_second_wftrace_is_killed(t):
    """kill -9 of one of two tracers in the midst; the other one loses nothing, the target nothing."""
    t.need_wftrace()
    target = t.start([t.build("trio.c"), "500", "2"])
    stays, dies = t.attach(target, TRIO), t.attach(target, TRIO)
    target.go()
    target.expect("round 0")
    dies.signal(signal.SIGKILL)
    dies.popen.wait(10)
    target.send("go on")
    t.equal(target.finish()[1], 0, "exit status")
    t.edges(stays.stop(), TRIO_1000)


def test_time_namespace(t):
    """The program's own clocks are off by a day; the spans' times are the host's."""
    t.need_wftrace()
    program = t.build("trio.c")
    begin = time.time_ns()
    target = t.start(["unshare", "--time", "--monotonic", "86400", "--boottime", "86400", "--fork", "--kill-child",
                      program, "1000"])
    t.true(os.readlink(f"/proc/{target.target_pid}/ns/time") != os.readlink("/proc/self/ns/time"),
           "the program has a time namespace of its own")
    tracer = t.attach(target, TRIO)
    target.go()
    t.equal(target.finish(), DONE, "output and status")
    trace = tracer.stop()
    end = time.time_ns()
    t.edges(trace, TRIO_1000)
    for span in trace.spans:
        t.true(begin <= span.start <= span.end <= end, f"not between {begin} and {end}: {span}")
