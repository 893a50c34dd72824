# SPDX-License-Identifier: Apache-2.0
"""wftrace that runs for long: once warm, neither its memory nor its maps and descriptors grow."""
import os
import re
import subprocess
import threading
from pathlib import Path

TRIO = ["tr_outer", "tr_mid", "tr_leaf"]
KIB = 1024
GROWTH_MAX = 512 * KIB    # of the heap, between two looks
PROCESS_BYTES = 12 * KIB  # what is known of one process


def facts(pid):
    """Heap and address space in bytes, descriptors, and the kernel memory of its BPF maps."""
    status = Path(f"/proc/{pid}/status").read_text()
    sizes = {name: int(kib) * KIB for name, kib in re.findall(r"^(RssAnon|VmSize):\s+(\d+) kB", status, re.M)}
    maps = {}
    for entry in Path(f"/proc/{pid}/fdinfo").iterdir():
        found = dict(re.findall(r"^(map_id|memlock):\s*(\d+)", entry.read_text(), re.M))
        if "map_id" in found:
            maps[found["map_id"]] = int(found["memlock"])
    return sizes, len(os.listdir(f"/proc/{pid}/fd")), maps


def stays_flat(t, tracer, wait_s, growth_max=GROWTH_MAX):
    """Look twice, some seconds apart."""
    before = facts(tracer.pid)
    threading.Event().wait(wait_s)  # the passing of time is what is tested
    after = facts(tracer.pid)
    for name, size in after[0].items():
        grown = size - before[0][name]
        t.true(grown <= growth_max, f"{name} grew by {grown} bytes in {wait_s} s, to {size}")
    t.equal(after[1:], before[1:], "descriptors, and bytes of each map")


def test_memory_stays_flat_under_load(t):
    t.need_wftrace()
    target = t.start([t.build("busy.c"), "4"])
    tracer = t.attach(target, TRIO, stdout=subprocess.DEVNULL)
    target.go()
    start = t.ask(target, "count")
    threading.Event().wait(20 if t.soak else 3)
    stays_flat(t, tracer, 120 if t.soak else 4)
    calls = t.ask(target, "count") - start
    target.send("stop")
    trace = tracer.stop(check=False)
    t.equal(trace.ledger["balanced"], True, "balanced")
    t.true(trace.ledger["completed"] >= 3 * calls, f"{trace.ledger['completed']} spans of {calls} calls")


def test_memory_stays_flat_with_many_processes(t):
    """Each of 300 processes a second is known for a minute: a soak waits until the first are forgotten."""
    t.need_wftrace()
    warm, seconds = (75, 60) if t.soak else (2, 4)
    kept = GROWTH_MAX if t.soak else 300 * seconds * PROCESS_BYTES
    target = t.start([t.build("fork.c"), "short", str(300 * (warm + seconds + 2))])
    tracer = t.attach(target, TRIO, stdout=subprocess.DEVNULL)
    target.go()
    threading.Event().wait(warm)
    stays_flat(t, tracer, seconds, kept)
    target.finish(60)
    t.equal(tracer.stop(check=False).ledger["balanced"], True, "balanced")
