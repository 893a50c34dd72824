# SPDX-License-Identifier: Apache-2.0
"""What the figures were measured on."""
import os
import re
import subprocess
from pathlib import Path

from proc import Failure
from workshop import WFTRACE

NESTED_STEP_US = 4  # a single step takes under 1 us on metal and in a plain VM, 9 and more in a nested one


def read(path):
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


def trap_costs():
    """(emulated, stepped) in us, as the self-test of `doctor` measures them."""
    try:
        said = subprocess.run([WFTRACE, "doctor"], capture_output=True, text=True, check=False,
                              timeout=60).stdout
    except OSError:
        return None, None
    match = re.search(r"trap cost\s+([\d.]+) us emulated.*?([\d.]+) us single-stepped", said)
    return (float(match[1]), float(match[2])) if match else (None, None)


def describe(quick):
    cpuinfo = read("/proc/cpuinfo")
    model = re.search(r"^model name\s*:\s*(.*)$", cpuinfo, re.M)
    emulated, stepped = trap_costs()
    virtual = bool(re.search(r"^flags.*\bhypervisor\b", cpuinfo, re.M))
    return {
        "cpu": model[1] if model else "unknown",
        "cpus": len(os.sched_getaffinity(0)),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        "kernel": os.uname().release,
        "virtual": virtual,
        "nested": virtual and stepped is not None and stepped > NESTED_STEP_US,
        "trap_emulated_us": emulated,
        "trap_stepped_us": stepped,
        "load": os.getloadavg()[0],
        "quick": quick,
        "wftrace": version(),
    }


def version():
    try:
        return subprocess.run([WFTRACE, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    except OSError as e:
        raise Failure(f"wftrace is not built: {e}") from None
