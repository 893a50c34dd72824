# SPDX-License-Identifier: Apache-2.0
"""What wftrace and its kernel side need in memory."""
import json
import os
import re
import subprocess
from pathlib import Path

import library
from row import Group
from workshop import HERE, WFTRACE, Failure

MIB = 1 << 20
THREADS = 1000
SITE_BYTES = 300      # a uprobe and its consumer, as slab counters show for 10,000 of them
STORAGE_HEAD = 128    # in front of a task's value
BIG_FUNCTIONS, BIG_BYTES = 100_000, 2000
BIG_RULE = "big_1???"  # 1,000 functions


def status_mb(pid, field):
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{field}:\s+(\d+) kB", text, re.M)[1]) / 1024


def rings_mb(pid):
    """Resident pages of mapped BPF maps."""
    total, inside = 0, False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            inside = "bpf-map" in line or "bpf_map" in line
        elif inside and line.startswith("Rss:"):
            total += int(line.split()[1])
    return total / 1024


def task_bytes():
    """Value size of the task storage that every traced thread gets (the other one is for long strings)."""
    shown = subprocess.run(["bpftool", "-j", "map", "show"], capture_output=True, text=True, check=True).stdout
    found = [one["bytes_value"] for one in json.loads(shown) if one.get("name") == "tasks"]
    if not found:
        raise Failure("no map is called `tasks`")
    return max(found)


def bpf_bytes(pid):
    """Of the maps and programs that wftrace holds."""
    total, seen = 0, set()
    for entry in Path(f"/proc/{pid}/fdinfo").iterdir():
        facts = dict(re.findall(r"^(\w+):\s*(\S+)", entry.read_text(), re.M))
        key = ("map", facts["map_id"]) if "map_id" in facts else ("prog", facts.get("prog_id"))
        if key in seen or "memlock" not in facts:
            continue
        seen.add(key)
        total += int(facts["memlock"])
    return total


def slab_bytes(size):
    """kmalloc rounds up to a power of two."""
    bucket = 64
    while bucket < size:
        bucket *= 2
    return bucket


def count_sites(shop, target, rules):
    status, out, err = shop.wftrace("list", "-p", target.target_pid, "--json", *rules)
    if status:
        raise Failure(f"wftrace list ended with {status}: {err}")
    said = [json.loads(line) for line in out]
    return sum(1 + one["exit_sites"] + one["ret_sites"] + one["tail_sites"] for one in said if one["armed"])


def measure_attached(shop):
    target = library.holder(shop, THREADS)
    rules = ("text", *library.MANY)
    tracer = shop.trace(target, rules, pinned=False)
    target.go()
    target.expect("calls ")
    rings = rings_mb(tracer.pid)
    rss, peak = status_mb(tracer.pid, "VmRSS") - rings, status_mb(tracer.pid, "VmHWM")
    maps, value = bpf_bytes(tracer.pid), task_bytes()
    sites = count_sites(shop, target, rules)
    tracer.stop(check=False)
    yield ("memory.rss_1000_probes_mb", round(rss, 1),
           f"{tracer.functions} functions of libLLVM attached, {THREADS} threads; without {rings:.0f} MiB of "
           f"mapped rings; peak with them {peak:.0f}")
    storage = THREADS * slab_bytes(value + STORAGE_HEAD)
    total = maps + storage + sites * SITE_BYTES
    yield ("memory.kernel_mb", round(total / MIB, 1),
           f"maps and programs {maps / MIB:.1f}, storage of {THREADS} threads {storage / MIB:.1f} (values of {value} "
           f"bytes), {sites} sites {sites * SITE_BYTES / MIB:.1f}")


def big_binary(shop):
    """A program with 200 MB of code in 100,000 functions."""
    flags = ["-O0", f"-DFUNCTIONS={BIG_FUNCTIONS}", f"-DBYTES={BIG_BYTES}"]
    return shop.build(HERE / "big.S", flags=flags)


def dry_run_peak_mb(shop, target):
    """The same symbols and plan, before any ring is mapped."""
    argv = [str(WFTRACE), "attach", "-p", str(target.target_pid), "-f", BIG_RULE, "--dry-run"]
    child = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise Failure(f"the dry run ended with {child.returncode}")
    return usage.ru_maxrss / 1024


def measure_start(shop):
    path = big_binary(shop)
    target = shop.start(path)
    planned = dry_run_peak_mb(shop, target)
    tracer = shop.trace(target, [BIG_RULE], pinned=False)
    peak, rings = status_mb(tracer.pid, "VmHWM"), rings_mb(tracer.pid)
    tracer.stop(check=False)
    peak = max(peak - rings, planned)
    size = path.stat().st_size / 1e6
    yield ("memory.startup_peak_mb", round(peak, 1),
           f"VmHWM after attaching {tracer.functions} functions of a {size:.0f} MB binary with {BIG_FUNCTIONS} "
           f"symbols; without {rings:.0f} MiB of mapped rings; "
           f"{planned:.0f} while planning")


GROUPS = (Group(("memory.rss_1000_probes_mb", "memory.kernel_mb"), 10, measure_attached),
          Group(("memory.startup_peak_mb",), 60, measure_start))
