# SPDX-License-Identifier: Apache-2.0
"""What is left of wftrace in a Python process: nothing, whether it leaves or is killed."""
import os
import signal
import sys
from pathlib import Path

from harness import EXIT_DONE, EXIT_FAILED, Skip
from shop import PROGRAMS, RULES, few, interpreters, minor, newest, tell

RESTORED_WITHIN = 15.0


def inside(pid):
    """What a process holds: its threads, and what its descriptors are."""
    fds = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        fds[fd] = os.readlink(f"/proc/{pid}/fd/{fd}")
    return sorted(os.listdir(f"/proc/{pid}/task")), fds


def mapped(pid):
    """Where files in memory are mapped."""
    return [line.split()[0] for line in Path(f"/proc/{pid}/maps").read_text().splitlines() if "memfd:" in line]


def shop(t, python):
    return t.start([python, PROGRAMS / "shop.py"])


def test_nothing_stays_behind(t):
    for python in interpreters():
        target = shop(t, python)
        tell(target, "orders 1")
        before, depth, images = inside(target.target_pid), tell(target, "depth"), []
        for _ in range(3):
            tracer = t.attach(target, RULES)
            tell(target, "orders 5")
            t.equal(tracer.stop().counts()["__main__.Shop.order"], 5, python)
            t.equal(inside(target.target_pid), before, f"{python}: threads and descriptors")
            t.equal(tell(target, "intact"), "yes", f"{python}: functions")
            images.append(mapped(target.target_pid))
        t.true(images[0] and images == images[:1] * 3, f"{python}: one image, idle: {images}")
        t.equal(tell(target, "depth"), depth, f"{python}: recursion that fits")
        target.go("end")
        t.equal((target.finish()[1], target.err.all()), (0, []), f"{python}: status and stderr")


def test_killed_under_load(t):
    """All at the same time, since each waits for ten seconds that nobody traces."""
    shops = []
    for python in interpreters():
        target = shop(t, python)
        shops.append((python, target, inside(target.target_pid), tell(target, "depth")))
    tracers = [t.attach(target, RULES) for _, target, _, _ in shops]
    for _, target, _, _ in shops:
        target.go("serve")
    t.wait_age(0.3)
    for tracer in tracers:
        tracer.signal(signal.SIGKILL)
    for python, target, before, depth in shops:
        target.expect("serve intact", RESTORED_WITHIN)
        t.equal(inside(target.target_pid), before, f"{python}: threads and descriptors")
        t.equal(tell(target, "depth"), depth, f"{python}: recursion that fits")
        again = t.attach(target, RULES)
        tell(target, "orders 5")
        t.equal(again.stop().counts()["__main__.Shop.order"], 5, f"{python}: the next tracer")
        target.go("end")
        t.equal((target.finish()[1], target.err.all()), (0, []), f"{python}: status and stderr")


def test_killed_while_it_waits_to_get_in(t):
    for python in few(t):
        target = shop(t, python)
        target.go("block")
        target.expect("block begins")
        tracer = t.attach(target, RULES, wait=False)
        t.true(tracer.err.wait(lambda text: "waiting for a Python process" in text, 20), "waiting is told")
        tracer.signal(signal.SIGKILL)
        tracer.wait()
        target.go("x")
        t.equal(tell(target, "intact"), "yes", f"{python}: nothing is armed")
        again = t.attach(target, RULES)
        tell(target, "orders 5")
        t.equal(again.stop().counts()["__main__.Shop.order"], 5, f"{python}: the next tracer")
        target.go("end")
        t.equal((target.finish()[1], target.err.all()), (0, []), f"{python}: status and stderr")


def requests(pid):
    """Files by which this process is asked to let wftrace in."""
    root = Path(f"/proc/{pid}/root")
    found = [p for folder in ("dev/shm", "tmp", "run", "var/tmp") for p in (root / folder).glob("wf" + "[0-9a-f]" * 16)]
    return [p for p in found if f"getpid()=={pid}:" in p.read_text()]


def left_waiting(t, python):
    """A target that runs no code, and in whose file system a killed tracer has left its request."""
    target = shop(t, python)
    target.go("block")
    target.expect("block begins")
    tracer = t.attach(target, RULES, wait=False)
    t.true(tracer.err.wait(lambda text: "waiting for a Python process" in text, 20), "waiting is told")
    t.equal(len(requests(target.target_pid)), 1, f"{python}: its file")
    tracer.signal(signal.SIGKILL)
    tracer.wait()
    t.equal(len(requests(target.target_pid)), 1, f"{python}: its file stays")
    return target


def test_a_killed_tracers_file_goes_with_the_next_one(t):
    newer = [python for python in interpreters() if minor(python) >= 14]
    if not newer:
        raise Skip("no interpreter that reads requests from files")
    for python in newer if t.soak else newer[-1:]:
        for command in (["detach", "-p"], ["detach", "--all"], ["attach", "-d", "1s", "-f", RULES[2], "-p"]):
            for wakes_first in (True, False):
                target = left_waiting(t, python)
                if wakes_first:
                    target.go("x")
                    tell(target, "orders 1")
                pid = [] if "--all" in command else [target.target_pid]
                cleaner = t.spawn([t.wftrace_path(), *command, *pid])
                if not wakes_first:
                    cleaner.err.wait(lambda text: "Ctrl-C" in text, 20)
                    target.go("x")
                    tell(target, "orders 1")
                t.equal(cleaner.wait(60), EXIT_DONE, f"{python}: {command}: {cleaner.err.all()}")
                t.equal(requests(target.target_pid), [], f"{python}: {command}: files")
                t.equal(tell(target, "intact"), "yes", f"{python}: {command}")
                target.go("end")
                t.equal((target.finish()[1], target.err.all()), (0, []), f"{python}: {command}: status and stderr")


def test_detach_cleans_up_after_a_killed_tracer(t):
    for python in few(t):
        target = shop(t, python)
        tracer = t.attach(target, RULES)
        tell(target, "orders 5")
        tracer.signal(signal.SIGKILL)
        tracer.wait()
        t.equal(tell(target, "intact"), "no", f"{python}: nobody has called since")
        status, _, err = t.wftrace("detach", "-p", target.target_pid)
        t.equal(status, EXIT_DONE, "\n".join(err))
        t.equal(tell(target, "intact"), "yes", f"{python}: functions")
        status, _, err = t.wftrace("detach", "-p", target.target_pid)
        t.equal(status, EXIT_DONE, "\n".join(err))
        target.go("end")
        t.equal((target.finish()[1], target.err.all()), (0, []), f"{python}: status and stderr")


def test_detach_leaves_a_tracer_at_work_alone(t):
    target = shop(t, newest())
    tracer = t.attach(target, RULES)
    status, _, err = t.wftrace("detach", "-p", target.target_pid)
    t.equal(status, EXIT_FAILED, "\n".join(err))
    t.true(any(str(tracer.pid) in line for line in err), f"its owner is named: {err}")
    tell(target, "orders 5")
    t.equal(tracer.stop().counts()["__main__.Shop.order"], 5)


def test_detach_where_there_is_nothing(t):
    target = shop(t, newest())
    status, _, err = t.wftrace("detach", "-p", target.target_pid)
    t.equal(status, EXIT_DONE, "\n".join(err))
    t.true(any("nothing of wftrace" in line for line in err), f"it is told: {err}")
    t.equal(tell(target, "loaded"), "no", "no agent is in it")


def test_a_second_tracer_is_refused(t):
    for python in interpreters():
        target = shop(t, python)
        tracer = t.attach(target, RULES)
        status, _, err = t.wftrace("attach", "-p", target.target_pid, "-f", RULES[2], "-d", "1s")
        t.equal(status, EXIT_FAILED, "\n".join(err))
        t.true(any(str(tracer.pid) in line for line in err), f"{python}: its owner is named: {err}")
        tell(target, "orders 5")
        t.equal(tracer.stop().counts()["__main__.Shop.order"], 5, python)
        t.equal(tell(target, "intact"), "yes", python)


for _test in [v for n, v in list(vars(sys.modules[__name__]).items()) if n.startswith("test_")]:
    _test.deadline = 300
