#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Run the end-to-end tests: every test_* function of every test_*.py beside this file.

Each test runs in a process, a session and a directory of its own and has a deadline. One line a
test: `ok`, `not ok` or `skip` with the reason, and the seconds it took.
"""
import argparse
import ctypes
import fnmatch
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # of the programs neither
sys.path.insert(0, str(Path(__file__).resolve().parent))

import harness  # noqa: E402
from proc import Failure, Skip, children, kill_tree  # noqa: E402

STATUS_OK, STATUS_FAILED, STATUS_SKIP, STATUS_SKIP_REQUIRED = 0, 1, 77, 78
PR_SET_CHILD_SUBREAPER = 36


def discover(patterns):
    """[(name, deadline in seconds)] of `module.function`, sorted by file and place in the file."""
    found = []
    for path in sorted(harness.HERE.glob("test_*.py")):
        module = importlib.import_module(path.stem)
        for name, value in vars(module).items():
            if name.startswith("test_") and callable(value) and value.__module__ == path.stem:
                full = f"{path.stem}.{name}"
                if not patterns or any(one in full or fnmatch.fnmatch(full, one) for one in patterns):
                    found.append((full, getattr(value, "deadline", 120)))
    return found


def run_here(full, directory, soak):
    """Run one test in this process; the result is the exit status, the reason goes to stdout."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    module, name = full.split(".")
    test = harness.Test(directory, soak)
    try:
        getattr(importlib.import_module(module), name)(test)
        return STATUS_OK
    except Skip as e:
        print(str(e))
        return STATUS_SKIP_REQUIRED if e.required else STATUS_SKIP
    except Failure as e:
        place = [f for f in traceback.extract_tb(e.__traceback__) if f.name == name]
        print(f"{e}" + (f"\nat {Path(place[-1].filename).name}:{place[-1].lineno}" if place else ""))
        print("\n".join(test.describe()))
        return STATUS_FAILED
    except Exception:  # noqa: BLE001  (a broken test is a failed test)
        traceback.print_exc(file=sys.stdout)
        print("\n".join(test.describe()))
        return STATUS_FAILED
    finally:
        sys.stdout.flush()
        test.close()


def run_one(full, deadline, options):
    """Run one test in a child; (status, text, seconds)."""
    begin = time.monotonic()
    directory = tempfile.mkdtemp(prefix="wftrace-e2e-")
    os.chmod(directory, 0o755)
    command = [sys.executable, __file__, "--one", full, "--dir", directory] + (["--soak"] if options.soak else [])
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
                             env={**os.environ, "E2E_PATIENCE": str(options.patience * (5 if options.soak else 1))})
    try:
        out, _ = child.communicate(timeout=deadline * (20 if options.soak else 1) * options.patience)
        status, text = child.returncode, out.decode(errors="replace")
    except subprocess.TimeoutExpired:
        running = [open(f"/proc/{p}/cmdline", "rb").read().replace(b"\0", b" ").decode(errors="replace").strip()
                   for p in children(child.pid) if os.path.exists(f"/proc/{p}/cmdline")]
        kill_tree(child.pid)
        out, _ = child.communicate()
        status = STATUS_FAILED
        text = f"no end after {deadline} s; running then: {running}\n" + out.decode(errors="replace")
    if status == STATUS_FAILED and options.keep:
        text += f"\nkept: {directory}"
    else:
        shutil.rmtree(directory, ignore_errors=True)
    return status, text.rstrip(), time.monotonic() - begin


def report(full, result, options):
    """Print one result; 'passed', 'failed' or 'skipped'."""
    status, text, seconds = result
    first, *rest = text.splitlines() or [""]
    if status == STATUS_OK:
        print(f"ok      {full} ({seconds:.1f} s)", flush=True)
        return "passed"
    if status == STATUS_SKIP or (status == STATUS_SKIP_REQUIRED and not options.require):
        print(f"skip    {full}: {first} ({seconds:.1f} s)", flush=True)
        return "skipped"
    print("\n".join([f"not ok  {full}: {first} ({seconds:.1f} s)"] + [f"        {line}" for line in rest]), flush=True)
    return "failed"


def parse_options():
    parser = argparse.ArgumentParser(description="end-to-end tests of wftrace")
    parser.add_argument("-k", metavar="PATTERN", action="append",
                        help="only tests whose name contains or matches PATTERN, or another one")
    parser.add_argument("-j", type=int, default=1, metavar="N", help="tests at a time")
    parser.add_argument("--list", action="store_true", help="print the names and leave")
    parser.add_argument("--soak", action="store_true", help="the long loops")
    parser.add_argument("--keep", action="store_true", help="keep the directories of failed tests")
    parser.add_argument("--patience", type=float, default=1, metavar="X", help="multiply the deadlines and all time limits")
    parser.add_argument("--require", action="store_true",
                        help="a skip for want of wftrace, eBPF, root or what make deps installs is a failure (CI)")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--dir", help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    options = parse_options()
    if options.one:
        return run_here(options.one, options.dir, options.soak)
    tests = discover(options.k)
    if options.list:
        print("\n".join(full for full, _ in tests))
        return 0
    barrier = subprocess.run(["sh", harness.ROOT / "scripts" / "can_trace.sh"], capture_output=True, text=True, check=False)
    if barrier.returncode:
        os.environ["E2E_BARRIER"] = barrier.stdout.strip()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    with ThreadPoolExecutor(max_workers=options.j) as pool:
        results = [(full, pool.submit(run_one, full, deadline, options)) for full, deadline in tests]
        for full, result in results:
            counts[report(full, result.result(), options)] += 1
    print("e2e: " + ", ".join(f"{n} {what}" for what, n in counts.items()))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
