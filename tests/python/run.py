#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run the tests of tracing Python on every interpreter at hand.

Every test_* function of every test_*.py beside this file runs once for each interpreter, or once in
all where it is marked with @once. Each runs in a process group of its own and has a deadline.
"""
import argparse
import fnmatch
import importlib
import os
import signal
import subprocess
import sys
import time
import traceback

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import harness  # noqa: E402
import interpreters  # noqa: E402

OK, FAILED, SKIPPED = 0, 1, 77


def discover():
    """[(module.function, function)] by file and place in the file."""
    found = []
    for name in sorted(os.listdir(HERE)):
        if not (name.startswith("test_") and name.endswith(".py")):
            continue
        module = importlib.import_module(name[:-3])
        found += [(f"{name[:-3]}.{key}", value) for key, value in vars(module).items()
                  if key.startswith("test_") and callable(value) and value.__module__ == name[:-3]]
    return found


def fits(pattern, name):
    return not pattern or pattern in name or fnmatch.fnmatch(name, pattern)


def run_here(function, python, soak):
    """The test in this process; exit status, reason on stdout."""
    test = harness.Test(python, soak)
    try:
        function(test)
        return OK
    except harness.Skip as reason:
        print(reason)
        return SKIPPED
    except Exception:  # noqa: BLE001  (a broken test is a failed test)
        traceback.print_exc(file=sys.stdout)
        print(test.describe())
        return FAILED
    finally:
        sys.stdout.flush()
        test.close()


def run_one(name, function, python, options):
    """The test in a child with a deadline: (status, text, seconds)."""
    begin = time.monotonic()
    command = [sys.executable, os.path.abspath(__file__), "--one", name] + (["--soak"] if options.soak else [])
    if python:
        command += ["--path", python.path, "--version", python.version]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             errors="replace", start_new_session=True)
    try:
        text, _ = child.communicate(timeout=getattr(function, "deadline", 60) * (20 if options.soak else 1))
        status = child.returncode
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        text, _ = child.communicate()
        text, status = "no end\n" + text, FAILED
    return status, text.rstrip(), time.monotonic() - begin


def report(name, status, text, seconds):
    first, *rest = text.splitlines() or [""]
    if status == OK:
        print(f"ok      {name} ({seconds:.1f} s)", flush=True)
        return "passed"
    if status == SKIPPED:
        print(f"skip    {name}: {first}", flush=True)
        return "skipped"
    print("\n".join([f"not ok  {name}: {first} ({seconds:.1f} s)"] + ["        " + line for line in rest]), flush=True)
    return "failed"


def parse_options():
    parser = argparse.ArgumentParser(description="tests of tracing Python")
    parser.add_argument("-k", metavar="PATTERN", help="only tests whose name contains or matches PATTERN")
    parser.add_argument("-p", metavar="VERSION", help="only interpreters whose version begins with VERSION")
    parser.add_argument("--soak", action="store_true", help="the long loops")
    parser.add_argument("--list", action="store_true", help="print tests and interpreters and leave")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--path", help=argparse.SUPPRESS)
    parser.add_argument("--version", help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    options = parse_options()
    tests = discover()
    if options.one:
        python = interpreters.Interpreter(options.path, options.version) if options.path else None
        return run_here(dict(tests)[options.one], python, options.soak)
    pythons = [p for p in interpreters.find() if not options.p or p.version.startswith(options.p)]
    runs = [(name + (f"[{python}]" if python else ""), name, function, python)
            for name, function in tests if fits(options.k, name)
            for python in ([None] if getattr(function, "once", False) else pythons)]
    if options.list:
        print("\n".join(shown for shown, *_ in runs))
        return 0
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for shown, name, function, python in runs:
        counts[report(shown, *run_one(name, function, python, options))] += 1
    print("python: " + ", ".join(f"{n} {what}" for what, n in counts.items()))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
