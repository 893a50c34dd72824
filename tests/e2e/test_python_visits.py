# SPDX-License-Identifier: Apache-2.0
"""Requests that meet another one, programs that become others, and cleaning up wherever it is needed."""
import signal
import sys

from harness import EXIT_DONE
from shop import PROGRAMS, RULES, few, newest, oldest, tell

STEP = ["__main__:step"]


def test_an_agent_that_is_busy_is_asked_again(t):
    for python in (oldest(), newest()):
        target = t.start([python, PROGRAMS / "parcel.py"])
        tracer = t.attach(target, STEP)
        tell(target, "step")
        tracer.stop()
        tell(target, "busy")
        tracer = t.attach(target, STEP)
        tell(target, "step")
        t.equal(tracer.stop().counts(), {"__main__.step": 1}, python)
        target.go("end")


def test_leaving_an_agent_that_is_busy(t):
    target = t.start([newest(), PROGRAMS / "parcel.py"])
    tracer = t.attach(target, STEP)
    tell(target, "busy")
    tell(target, "step")
    spans = tracer.stop(check=False)
    t.equal((spans.counts(), spans.ledger["balanced"]), ({"__main__.step": 1}, True))
    t.true(any("not disarmed yet" in line for line in spans.stderr), f"it is told: {spans.stderr}")


def test_a_program_in_the_middle_of_an_import(t):
    """An import inside of another one's lock makes importlib lose it, before 3.13, and the program fails."""
    for python in (oldest(), "/usr/bin/python3"):
        target = t.start([python, PROGRAMS / "importer.py"])
        for _ in range(15 if t.soak else 6):
            status, _, err = t.wftrace("list", "-p", target.target_pid, "__main__:*")
            t.equal((status, err), (EXIT_DONE, []), python)
        target.go("")
        t.equal((target.finish()[1], target.err.all()), (0, []), f"{python}: status and stderr")


def test_a_child_that_becomes_another_program(t):
    for python in few(t):
        target = t.start([python, PROGRAMS / "parcel.py"])
        tracer = t.attach(target, STEP)
        for word in ("become", "step", "become"):
            tell(target, word)
        spans = tracer.stop()
        t.equal(spans.counts(), {"__main__.step": 7}, python)
        t.equal(spans.ledger["python.unread"], 6, f"{python}: what agents counted before exec is not known")


def test_a_program_that_begins_anew(t):
    for python in few(t):
        target = t.start([python, PROGRAMS / "parcel.py"])
        tracer = t.attach(target, STEP)
        for _ in range(3):
            tell(target, "step")
        t.equal(tracer.stop().counts(), {"__main__.step": 3}, python)
        tracer = t.attach(target, STEP)
        tell(target, "again")
        target.expect("ready")
        tracer.stop(check=False)
        t.equal(tracer.read_ledger()["balanced"], True, python)


def test_detach_all(t):
    shops = [t.start([python, PROGRAMS / "shop.py"]) for python in (oldest(), newest(), newest())]
    tracers = [t.attach(target, RULES) for target in shops]
    for tracer in tracers[:2]:
        tracer.signal(signal.SIGKILL)
        tracer.wait()
    t.equal([tell(target, "intact") for target in shops], ["no"] * 3, "nobody has called since")
    status, _, err = t.wftrace("detach", "--all")
    t.equal(status, EXIT_DONE, "\n".join(err))
    t.equal([tell(target, "intact") for target in shops], ["yes", "yes", "no"], "\n".join(err))
    tell(shops[2], "orders 5")
    t.equal(tracers[2].stop().counts()["__main__.Shop.order"], 5, "the one at work is left alone")
    status, _, err = t.wftrace("detach", "--all")
    t.true(status == EXIT_DONE and any("no process has anything" in line for line in err), f"{err}")


for _test in [v for n, v in list(vars(sys.modules[__name__]).items()) if n.startswith("test_")]:
    _test.deadline = 300
