# SPDX-License-Identifier: Apache-2.0
"""What `list` and `doctor` say of Python processes, and what is wrong in a rule or a target."""
import json
import os
import sys

from harness import EXIT_CANNOT, EXIT_DONE, EXIT_NOTHING, EXIT_USAGE
from shop import PROGRAMS, few, interpreters, minor, newest, oldest, tell, trace


def shop(t, python, **more):
    return t.start([python, PROGRAMS / "shop.py"], **more)


def test_list_what_can_be_armed(t):
    for python in interpreters():
        target = shop(t, python)
        status, out, err = t.wftrace("list", "-p", target.target_pid, "--json", "__main__:*", "os:getcwd")
        t.equal(status, EXIT_DONE, "\n".join(err))
        found = {line["function"]: line for line in map(json.loads, out)}
        order = found["__main__:Shop.order"]
        t.equal((order["armed"], os.path.basename(order["file"]), order["suspends"]), (True, "shop.py", False), python)
        t.equal(order["how"], "monitor" if minor(python) >= 12 else "swap", python)
        t.true(order["cost_ns"] > 300, f"a price: {order}")
        t.equal(found["os:getcwd"]["armed"], False, python)
        t.true("written in C" in found["os:getcwd"]["refusal"], f"why not: {found['os:getcwd']}")
        t.equal(tell(target, "intact"), "yes", f"{python}: nothing is armed")
        again, _ = t.attach(target, "__main__:fail"), tell(target, "orders 5")
        t.equal(again.stop().counts(), {"__main__.fail": 1}, f"{python}: a tracer after it")


def test_list_for_people(t):
    target = shop(t, oldest())
    status, out, err = t.wftrace("list", "-p", target.target_pid, "__main__:Shop.*", "__main__:nothing")
    t.equal(status, EXIT_DONE, "\n".join(err))
    t.true(any(line.startswith("__main__:Shop.order") and "shop.py:" in line for line in out), f"{out}")
    t.true(any("no nothing in __main__" in line for line in out), f"the reason: {out}")


def test_list_native_and_python(t):
    target = shop(t, newest())
    status, out, err = t.wftrace("list", "-p", target.target_pid, "--json", "__main__:fail", "qsort@libc.so*")
    t.equal(status, EXIT_DONE, "\n".join(err))
    t.equal({json.loads(line)["function"] for line in out}, {"__main__:fail", "qsort"}, "functions")


def test_nothing_is_listed_by_force(t):
    target = shop(t, newest())
    status, _, err = t.wftrace("list", "-p", target.target_pid, "__main__:*", "--no-inject")
    t.equal(status, EXIT_USAGE, "\n".join(err))
    t.equal(tell(target, "loaded"), "no", "no agent is in it")


def test_doctor_names_the_way_in(t):
    for python in few(t):
        target = shop(t, python)
        status, out, err = t.wftrace("doctor", "-p", target.target_pid)
        line = next((x for x in out if f"process {target.target_pid}: Python" in x), "")
        way = "debugger interface" if minor(python) >= 14 else "pending call"
        t.true(way in line and f" 3.{minor(python)}" in line, f"{python}: {status} {out} {err}")
        t.equal(tell(target, "loaded"), "no", f"{python}: it is only looked at")
        tracer = t.attach(target, "__main__:fail")
        _, out, _ = t.wftrace("doctor", "-p", target.target_pid)
        line = next((x for x in out if f"process {target.target_pid}: Python" in x), "")
        t.true(str(tracer.pid) in line, f"{python}: the owner is named: {out}")
        tracer.stop()


def test_doctor_asks_for_functions_of_python(t):
    for python in few(t):
        target = shop(t, python)
        status, out, err = t.wftrace("doctor", "-p", target.target_pid, "-f", "__main__:fail", "-f", "__main__:nothing")
        t.true(any(line.startswith("__main__:fail ") for line in out), f"{python}: {out}")
        t.true(any("no nothing in __main__" in line for line in out), f"{python}: the reason: {out}")
        t.equal((status, err), (EXIT_DONE, []), python)
        status, out, _ = t.wftrace("doctor", "-p", target.target_pid, "-f", "__main__:fial")
        t.equal(status, EXIT_NOTHING, python)
        t.true(any("did you mean fail?" in line for line in out), f"{python}: {out}")
        t.equal(tell(target, "intact"), "yes", f"{python}: nothing is armed")


def test_doctor_stays_outside_where_it_must(t):
    target = shop(t, newest())
    status, _, err = t.wftrace("doctor", "-p", target.target_pid, "-f", "__main__:fail", "--no-inject")
    t.equal(status, EXIT_USAGE, "\n".join(err))
    t.equal(tell(target, "loaded"), "no", "no agent is in it")


def test_the_agent_is_no_target(t):
    """It stays in the process as a file that is mapped; a glob for all files does not take its probe sites."""
    target = shop(t, newest())
    t.attach(target, "__main__:fail").stop()
    t.true("memfd:wftrace" in open(f"/proc/{target.target_pid}/maps", encoding="utf-8").read(), "it is mapped")
    status, _, err = t.wftrace("attach", "-p", target.target_pid, "-f", "wf_site_*@*", "-d", "1s")
    t.equal(status, EXIT_NOTHING, "\n".join(err))
    status, out, _ = t.wftrace("list", "-p", target.target_pid)
    t.true(not any("memfd:wftrace" in line for line in out), f"{out}")
    t.true(any("functions of Python" in line for line in out), f"how to list those: {out}")


def test_a_name_that_is_not_there(t):
    for python in few(t):
        target = shop(t, python)
        status, _, err = t.wftrace("attach", "-p", target.target_pid, "-f", "__main__:Shop.ordr", "-d", "1s")
        t.equal(status, EXIT_NOTHING, "\n".join(err))
        t.true(any("did you mean order?" in line for line in err), f"{python}: near names are told: {err}")
        t.equal(tell(target, "intact"), "yes", python)


def test_a_process_without_python(t):
    target = t.start(t.build("busy.c"))
    status, _, err = t.wftrace("attach", "-p", target.target_pid, "-f", "__main__:f", "-d", "1s")
    t.equal(status, EXIT_NOTHING, "\n".join(err))
    t.true(any("Python" in line for line in err), f"one clear line: {err}")


def test_what_needs_an_agent_is_refused_without_one(t):
    target = shop(t, newest())
    status, _, err = t.wftrace("attach", "-p", target.target_pid, "-f", "__main__:fail", "--no-inject")
    t.equal(status, EXIT_USAGE, "\n".join(err))
    t.true(any("--no-inject" in line for line in err), f"{err}")
    t.equal(tell(target, "loaded"), "no", "no agent is in it")


def test_what_python_functions_do_not_know_is_refused(t):
    target = shop(t, newest())
    for option in (["--slower", "1ms"], ["--depth", "2"]):
        status, _, err = t.wftrace("attach", "-p", target.target_pid, "-f", "__main__:fail", *option)
        t.equal(status, EXIT_USAGE, "\n".join(err))
        t.true(any(option[0] in line for line in err), f"{err}")
    t.equal(tell(target, "loaded"), "no", "no agent is in it")


def test_what_is_refused_leaves_no_recording(t):
    target, path = shop(t, newest()), t.dir / "refused.wft"
    for option in (["--slower", "1ms"], ["--depth", "2"], ["--no-inject"]):
        status, _, err = t.wftrace("record", "-p", target.target_pid, "-f", "__main__:fail", "-o", path, *option)
        t.equal(status, EXIT_USAGE, "\n".join(err))
        t.equal((len(err), option[0] in err[0]), (1, True), f"{err}")
        t.true(not path.exists(), f"{option}: nothing was opened")


def test_no_permission(t):
    target = shop(t, newest())
    for command in (["attach", "-d", "1s", "-f", "__main__:fail"], ["detach"], ["list", "__main__:*"]):
        status, _, err = t.wftrace(command[0], "-p", target.target_pid, *command[1:],
                                   wrap=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"])
        t.equal(status, EXIT_CANNOT, f"{command}: {err}")
        t.equal(len(err), 1, f"one line: {err}")
    t.equal(tell(target, "loaded"), "no", "no agent is in it")


def test_some_names_are_there(t):
    spans, _ = trace(t, newest(), ["__main__:fail", "__main__:fai", "later:work"], says=("orders 5",))
    t.equal(spans.counts(), {"__main__.fail": 1})
    t.true(any("fai:" in line and "did you mean fail?" in line for line in spans.stderr), f"{spans.stderr}")
    t.true(any("later:work" in line and "not imported" in line for line in spans.stderr), f"{spans.stderr}")


def test_strict_wants_all_names(t):
    target = shop(t, newest())
    status, _, err = t.wftrace("attach", "-p", target.target_pid, "-f", "__main__:fail", "-f", "__main__:fial",
                               "--strict", "-d", "1s")
    t.equal(status, EXIT_NOTHING, "\n".join(err))
    t.equal(tell(target, "intact"), "yes", "nothing is armed")


for _test in [v for n, v in list(vars(sys.modules[__name__]).items()) if n.startswith("test_")]:
    _test.deadline = 300
