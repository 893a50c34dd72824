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
OPEN_MAX = 4              # more descriptors, for files of /proc that are just being read
PROCESS_BYTES = 12 * KIB  # what is known of one process
MAP_WAVE = 128 * KIB      # a map counts its entries: those of processes that ended wait to be forgotten


def facts(pid):
    """Heap and address space in bytes, descriptors, and the kernel memory of its BPF maps."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = {name: int(kib) * KIB for name, kib in re.findall(r"^(RssAnon|VmSize):\s+(\d+) kB", status, re.M)}
    found["descriptors"] = len(os.listdir(f"/proc/{pid}/fd"))
    for entry in Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            one = dict(re.findall(r"^(map_id|memlock):\s*(\d+)", entry.read_text(), re.M))
        except FileNotFoundError:
            continue  # closed meanwhile
        if "map_id" in one:
            found[f"map {one['map_id']}"] = int(one["memlock"])
    return found


def peaks(pid, seconds):
    """The largest of each, since what is forgotten goes in waves."""
    largest = {}
    for _ in range(2 * seconds):
        threading.Event().wait(0.5)  # the passing of time is what is tested
        largest = {name: max(size, largest.get(name, 0)) for name, size in facts(pid).items()}
    return largest


def stays_flat(t, tracer, seconds, growth_max=GROWTH_MAX, map_growth_max=0):
    """The second half of some seconds against the first."""
    limits = {"RssAnon": growth_max, "VmSize": growth_max, "descriptors": OPEN_MAX}
    before = peaks(tracer.pid, seconds // 2)
    after = peaks(tracer.pid, seconds // 2)
    for name, size in after.items():
        most = limits.get(name, map_growth_max)
        grown = size - before.get(name, 0)
        t.true(grown <= most, f"{name} grew by {grown} in {seconds} s, to {size}")


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
    stays_flat(t, tracer, seconds, kept, MAP_WAVE if t.soak else kept)
    t.equal(tracer.stop(check=False).ledger["balanced"], True, "balanced")
