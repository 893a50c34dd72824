# SPDX-License-Identifier: Apache-2.0
"""Runs in the guest: doctor, the demo, the chosen end-to-end tests; one line a test, as they have it."""
import argparse
import json
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE)]

import run as e2e  # noqa: E402  (tests/e2e/run.py)
from harness import EXIT_CANNOT  # noqa: E402
from proc import Failure  # noqa: E402

ROOT = HERE.parent.parent
SHOWN = (
    ("a pipeline with its name", r"flow::Pipeline::run_pipeline .*pipeline\.name="),
    ("a stage below it", r"^(├─|\|-) flow::Pipeline::run_stage"),
    ("an exception", "[─-] flow::retry_task .*std::runtime_error: lost the connection"),
    ("a balanced ledger", "^ledger: balanced"),
)
DEMO_SECONDS = (4, 40)
NEEDS = re.compile(r"\bneeds Linux 5\.15 or later\b")
COMPLAINTS = re.compile(r"\b(BUG:(?! soft lockup)|WARNING:|Oops|general protection fault|refcount_t)")


def doctor(settings):
    """It names the tier of this kernel and finds nothing missing."""
    done = subprocess.run([ROOT / "build" / "wftrace", "doctor"], capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    if done.returncode or not re.search(rf"^(ok|note) +tier +{settings['tier']}\b", said, re.M):
        raise Failure(f"status {done.returncode}, not the {settings['tier']} tier\n{said}")


def refused(_settings):
    """On a kernel that is too old wftrace and demo say in one line what is missing; wftrace has an exit code for it."""
    with subprocess.Popen([ROOT / "build" / "demo" / "workflow"], stdout=subprocess.DEVNULL) as target:
        done = subprocess.run([ROOT / "build" / "wftrace", "attach", "-p", str(target.pid), "-f", "flow::run_task"],
                              text=True, capture_output=True, check=False)
        target.kill()
    lines = done.stderr.splitlines()
    if (done.returncode, done.stdout, len(lines)) != (EXIT_CANNOT, "", 1) or not NEEDS.search(lines[0]):
        raise Failure(f"status {done.returncode}\n{done.stdout}{done.stderr}")
    shown, status = read_terminal(["sh", "demo/run.sh"], os.environ)
    if status or not re.search("^demo: .*" + NEEDS.pattern, shown) or "flow::run_task" not in shown:
        raise Failure(f"the demo: status {status}\n{shown}")


def read_terminal(argv, environment):
    """What a command shows on a terminal, and its status."""
    master, slave = pty.openpty()
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    shown = bytearray()
    try:
        while data := os.read(master, 65536):
            shown.extend(data)
    except OSError:
        pass  # how a terminal ends
    os.close(master)
    text = shown.decode(errors="replace").replace("\r\n", "\n")
    return re.sub(r"\x1b\[[0-9;]*m", "", text), child.wait()


def demo(_settings):
    """Span trees appear, and every probe hit is accounted for. A slow machine gets a second, longer try."""
    for seconds in DEMO_SECONDS:
        shown, status = read_terminal(["sh", "demo/run.sh"], {**os.environ, "DEMO_SECONDS": str(seconds)})
        if status:
            raise Failure(f"status {status}\n{shown[-3000:]}")
        missing = [what for what, pattern in SHOWN if not re.search(pattern, shown, re.M)]
        if not missing:
            return
    raise Failure(f"no sign of {missing[0]}\n{shown[-3000:]}")


def kernel_log(_settings):
    """The kernel has nothing to complain of."""
    log = subprocess.run(["dmesg"], capture_output=True, text=True, check=False).stdout.splitlines()
    wrong = [i for i, line in enumerate(log) if COMPLAINTS.search(line)]
    if wrong:
        raise Failure("\n".join(["the kernel complains"] + log[max(wrong[0] - 2, 0):wrong[0] + 40]))


def report(name, function, settings):
    """Run one check of our own."""
    begin = time.monotonic()
    try:
        function(settings)
        word, text = "ok     ", ""
    except Failure as e:
        word, text = "not ok ", ": " + str(e).replace("\n", "\n        ")
    print(f"{word} vm.{name}{text} ({time.monotonic() - begin:.1f} s)", flush=True)


def main():
    with open(ROOT / "settings.json", encoding="utf-8") as file:
        settings = json.load(file)
    os.chdir(ROOT)
    if settings["command"]:
        os.execvp("sh", ["sh", "-c", settings["command"]])
    options = argparse.Namespace(soak=False, keep=False, require=True, patience=settings["patience"])
    own = {"refused": refused, "doctor": doctor, "demo": demo}
    for name in own:
        if f"vm.{name}" in settings["tests"]:
            report(name, own[name], settings)
    deadlines = dict(e2e.discover(None))
    for full in settings["tests"]:
        if full in deadlines:
            e2e.report(full, e2e.run_one(full, deadlines[full], options), options)
    report("kernel_log", kernel_log, settings)


main()
