# SPDX-License-Identifier: Apache-2.0
"""Programs in a real container, traced from outside of it."""
import json
import os
from pathlib import Path

from container import Container
from harness import need_tool
from probes import function_probed

TRIO = ["tr_outer", "tr_mid", "tr_leaf"]
PLUG = ["plug_call@libplug*", "plug_inner@libplug*"]


def contained(t):
    """(container, its program, a library that the program loads there), files of which the host has copies no more."""
    t.need_wftrace()
    runc = need_tool("runc")
    program = t.build("loader.c", flags=("-O2", "-g0"), libs=("-ldl",))
    library = t.build("plugin.c", flags=("-O2", "-g0", "-fPIC", "-shared"), name="libplug.so")
    container = Container(t, runc, [program, library])
    program.unlink()
    library.unlink()
    return container


def rounds(target, count):
    """Let it load, call and unload its library; what it said and its status."""
    target.go()
    for turn in range(count):
        target.expect(f"loaded {turn}")
        target.send("call")
        target.expect(f"closed {turn}")
        target.send("again")
    return target.finish()


def resource(path):
    """The one resource of an OTLP JSON file, and its spans."""
    found, spans = [], []
    for line in path.read_text().splitlines():
        for part in json.loads(line)["resourceSpans"]:
            found.append({a["key"]: next(iter(a["value"].values())) for a in part["resource"]["attributes"]})
            spans += [span for scope in part["scopeSpans"] for span in scope["spans"]]
    if any(one != found[0] for one in found):
        raise AssertionError(f"several resources: {found}")
    return found[0], spans


def test_program_in_a_container(t):
    """By its host PID: symbols from the container's files, a library that it loads later, the same output as untraced."""
    container = contained(t)
    plain = rounds(container.start(["/opt/loader", "2"]), 2)
    container.delete()
    target = container.start(["/opt/loader", "2"])
    t.equal(target.target_pid, 1, "its PID in the container")
    pid = container.host_pid()
    for space in ("mnt", "pid", "user", "net"):
        t.true(os.readlink(f"/proc/{pid}/ns/{space}") != os.readlink(f"/proc/self/ns/{space}"), f"its own {space} namespace")
    out = t.dir / "spans.json"
    tracer = t.attach(pid, TRIO + PLUG, "--to", f"file:{out}", "--to", "console")
    target.go()
    for turn in range(2):
        target.expect(f"loaded {turn}")
        for name in ("plug_call", "plug_inner"):
            t.wait(lambda name=name: function_probed(pid, container.root / "opt/libplug.so", name), f"a probe in {name}")
        target.send("call")
        target.expect(f"closed {turn}")
        target.send("again")
    t.equal(target.finish(), plain, "output and status, traced and untraced")
    trace = tracer.stop()
    t.edges(trace, {
        (None, "plug_call"): 200, ("plug_call", "plug_inner"): 200,
        (None, "tr_outer"): 20, ("tr_outer", "tr_mid"): 20, ("tr_mid", "tr_leaf"): 20,
    })
    found, spans = resource(out)
    t.equal(len(spans), len(trace.spans), "spans in the file")
    t.equal(found.get("container.id"), container.id, "container.id")
    t.equal((found.get("process.pid"), found.get("process.executable.path")), (str(pid), "/opt/loader"), "of the process")
    t.equal(found.get("process.executable.name"), "loader", "process.executable.name")
    t.equal(found.get("service.name"), "loader", "service.name")


def test_pid_of_the_container_is_answered_with_the_hosts(t):
    container = contained(t)
    first = container.start(["/opt/loader", "1"])
    container.count_pids_from(int(Path("/proc/sys/kernel/pid_max").read_text()) - 1000)
    inner = container.join(["/opt/loader", "1"])
    t.true(not os.path.exists(f"/proc/{inner.target_pid}"), "the PID exists in the container only")
    status, out, err = t.wftrace("attach", "-p", str(inner.target_pid), "-f", "tr_mid")
    t.equal((status, out), (1, []), "status and stdout")
    answer = next((word for line in err for word in line.split("-p ")[1:]), "").split(" ")[0]
    t.true(answer.isdigit(), f"no host PID is named: {err}")
    t.true(f"NSpid:\t{answer}\t" in Path(f"/proc/{answer}/status").read_text(), f"PID {answer} has inner PIDs")
    tracer = t.attach(int(answer), TRIO)
    t.equal(rounds(inner, 1)[1], 0, "exit status")
    t.equal(tracer.stop().counts(), {name: 10 for name in TRIO}, "calls")
    t.equal(rounds(first, 1)[1], 0, "exit status of the first process")
