# SPDX-License-Identifier: Apache-2.0
"""Memory and files that a tracer must not stumble over."""
import os
import shutil
import time
from collections import Counter

from cgroup import MemoryGroup
from harness import Skip
from probes import function_probed, probed

TRIO = ["tr_outer", "tr_mid", "tr_leaf", "tr_after"]
TRIO_1000 = {(None, "tr_outer"): 1000, ("tr_outer", "tr_mid"): 1000, ("tr_mid", "tr_leaf"): 1000}


def test_unreadable_argument_pointers(t):
    """userfaultfd, PROT_NONE, unmapped, kernel and NULL pointers cost the attribute and nothing else."""
    t.need_wftrace()
    program = t.build("pointer.c")
    plain = t.plain(program)
    target = t.start(program)
    tracer = t.attach(target, ["tr_text(which=arg1:i64, text=arg2:str)", "tr_number(which=arg1:i64, number=arg2->0:i64)"])
    target.go()
    t.equal(target.finish(20), plain, "output and status")
    begin = time.monotonic()
    trace = tracer.stop()
    t.true(time.monotonic() - begin < 10, "leaving was held up by an unreadable page")
    t.edges(trace, {(None, "tr_text"): 400, (None, "tr_number"): 400})
    texts = Counter((s.attr("which"), s.attr("text")) for s in trace.named("tr_text"))
    cut = texts.pop((5, "xxxxxxxx"), 0) + texts.pop((5, None), 0)  # runs into the end of the mapping
    t.equal(cut, 50, "calls with a text that has no end")
    t.equal(texts, {(0, "good text"): 50, **{(k, None): 50 for k in (1, 2, 3, 4, 6, 7)}}, "captured texts")
    numbers = Counter((s.attr("which"), s.attr("number")) for s in trace.named("tr_number"))
    t.equal(numbers, {(0, -77): 50, (5, 0x7878787878787878): 50, **{(k, None): 50 for k in (1, 2, 3, 4, 6, 7)}},
            "captured numbers")
    t.true(trace.ledger["read_fault"] >= 10 * 50, f"read faults counted: {trace.ledger['read_fault']}")
    if any("userfaultfd" in line for line in plain[0]):
        raise Skip("all but userfaultfd passed: this kernel gives none")


def test_dlopen_after_attach_and_dlclose(t):
    t.need_wftrace()
    program = t.build("loader.c", flags=("-O2", "-g0"), libs=("-ldl",))
    library = t.build("plugin.c", flags=("-O2", "-g0", "-fPIC", "-shared"), name="libplug.so")
    target = t.start([program, "3"])
    tracer = t.attach(target, TRIO[:3] + ["plug_call@libplug*", "plug_inner@libplug*"])
    target.go()
    for turn in range(3):
        target.expect(f"loaded {turn}")
        for name in ("plug_call", "plug_inner"):
            t.wait(lambda name=name: function_probed(target.target_pid, library, name), f"a probe in {name}, turn {turn}")
        target.send("call")
        target.expect(f"closed {turn}")
        target.send("again")
    said, status = target.finish()
    t.equal((said[-1], status), ("sum 15645", 0), "output and status")
    trace = tracer.stop()
    t.edges(trace, {
        (None, "plug_call"): 300, ("plug_call", "plug_inner"): 300,
        (None, "tr_outer"): 30, ("tr_outer", "tr_mid"): 30, ("tr_mid", "tr_leaf"): 30,
    })


def replaced(t, when, how):
    """Replace the file of a running program before or while it is traced."""
    t.need_wftrace()
    program = t.build("trio.c")
    other = t.build("recurse.c")
    old = t.dir / "kept"
    os.link(program, old)
    target = t.start([program, "1000"])
    if when == "before":
        how(program, other)
        tracer = t.attach(target, TRIO[:3])
    else:
        tracer = t.attach(target, TRIO[:3])
        how(program, other)
    target.go()
    t.equal(target.finish(), (["round 0 total 1499500"], 0), "output and status")
    t.edges(tracer.stop(), TRIO_1000)


def test_binary_replaced_before_attach(t):
    replaced(t, "before", lambda program, other: os.replace(other, program))


def test_binary_replaced_while_traced(t):
    replaced(t, "while", lambda program, other: os.replace(other, program))


def test_binary_deleted_before_attach(t):
    replaced(t, "before", lambda program, other: os.unlink(program))


def test_binary_in_a_mount_namespace(t):
    """The program's file exists only in its own mount namespace."""
    t.need_wftrace()
    program = t.build("trio.c")
    hidden = t.dir / "hidden"
    hidden.mkdir()
    target = t.start(["unshare", "--mount", "sh", "-c",
                      'mount -t tmpfs none "$1" && cp "$2" "$1/inside" && exec "$1/inside" 1000', "sh", hidden, program])
    t.true(not (hidden / "inside").exists(), "the file is not visible from here")
    tracer = t.attach(target, TRIO[:3])
    target.go()
    t.equal(target.finish()[1], 0, "exit status")
    t.edges(tracer.stop(), TRIO_1000)


def test_program_in_a_pid_namespace(t):
    t.need_wftrace()
    program = t.build("trio.c")
    outer = t.start(["unshare", "--pid", "--fork", "--kill-child", program, "1000"])
    t.equal(outer.target_pid, 1, "the program's PID in its namespace")
    pid = t.wait(lambda: next(iter(t.children_of(outer.pid)), None), "the child in the host's /proc")
    tracer = t.attach(pid, TRIO[:3])
    outer.go()
    t.equal(outer.finish()[1], 0, "exit status")
    trace = tracer.stop()
    t.edges(trace, TRIO_1000)


def test_memory_limited_cgroup(t):
    """A tight limit: the private pages of the probes are charged to the target."""
    t.need_wftrace()
    program = t.build("trio.c")
    with MemoryGroup(t, 16 << 20) as group:
        t.edges(t.compared([*group.wrap(), program, "1000"], TRIO[:3]), TRIO_1000)


def pages(t, count):
    """A program with `count` functions, each on a page of its own."""
    lines = ['#include "traced.h"']
    lines += [f"TRACED __attribute__((aligned(4096))) long pg_{i}(long x) {{ OPAQUE(); return x + {i}; }}" for i in range(count)]
    lines += ["int main(void) { long sum = 0; ready();"] + [f"sum += pg_{i}(sum);" for i in range(count)]
    source = t.dir / "pages.c"
    source.write_text("\n".join([*lines, 'printf("sum %ld\\n", sum); return 0; }', ""]))
    return t.build(source)


def test_probes_that_do_not_fit_into_a_memory_limit_are_refused(t):
    """1,000 pages would become private, 4 MiB of the 12 that the target may use: a few functions fit."""
    t.need_wftrace()
    program = pages(t, 1000)
    plain = t.plain(program)
    with MemoryGroup(t, 12 << 20) as group:
        target = t.start([*group.wrap(), program])
        status, out, err = t.wftrace("attach", "-p", str(target.target_pid), "-f", "pg_*")
        t.equal((status, out), (1, []), "status and stdout")
        t.true(any(str(target.target_pid) in line and "12288 KiB" in line for line in err), f"the limit is not named: {err}")
        t.equal(probed(target.target_pid, program), [], "probes of a plan that was refused")
        tracer = t.attach(target, ["pg_1?"])
        target.go()
        t.equal(target.finish(), plain, "output and status, traced and untraced")
        t.equal(len(tracer.stop().spans), 10, "calls")


def test_target_runs_out_of_memory(t):
    t.need_wftrace()
    program = t.build("hog.c")
    with MemoryGroup(t, 48 << 20) as group:
        target = t.start([*group.wrap(), program, "4000"])
        tracer = t.attach(target, TRIO + ["tr_hog"])
        target.go()
        said, status = target.finish()
        trace = tracer.stop()
    t.equal(said[0], "worked 1499500", "output")
    t.equal(status, -9, "exit status of the one that ran out of memory")
    taken = len(trace.named("tr_after"))
    t.true(taken >= 10, f"only {taken} calls before it was killed")
    t.edges(trace, {**TRIO_1000, (None, "tr_hog"): 1, ("tr_hog", "tr_after"): taken})
    t.true(1 <= trace.ledger["abandoned"] <= 2, f"abandoned: {trace.ledger['abandoned']}")


def test_wftrace_runs_out_of_memory(t):
    """The kernel kills wftrace; the probes go, the target goes on."""
    t.need_wftrace()
    program = t.build("busy.c")
    target = t.start([program, "4"])
    with MemoryGroup(t, 1 << 30) as group:
        tracer = t.attach(target, TRIO[:3], wrap=group.wrap(), wait=False)
        tracer.wait_armed()
        target.go()
        t.true(probed(target.target_pid, program), "no probes in the target")
        group.starve(tracer.pid)
        tracer.popen.wait(60)
    t.wait(lambda: not probed(target.target_pid, program), "probes gone", 2)
    before = t.ask(target, "count")
    t.wait(lambda: t.ask(target, "count") > before, "the target goes on")
    target.send("stop")
    t.equal(target.finish()[0][-1], "wrong 0", "results")


def test_library_copied_up_stays_out(t):
    """A copy of a traced library, another inode, belongs to a bystander: it has no probe."""
    t.need_wftrace()
    program = t.build("trio.c")
    copy = t.dir / "copy"
    shutil.copy(program, copy)
    target, other = t.start([program, "10"]), t.start([copy, "10"])
    tracer = t.attach(target, TRIO[:3])
    t.true(probed(target.target_pid, program), "no probes in the target")
    t.equal(probed(other.target_pid, copy), [], "probes in a copy of the file")
    for one in (target, other):
        one.go()
        t.equal(one.finish()[1], 0, "exit status")
    t.equal(len(tracer.stop().spans), 30, "spans")
