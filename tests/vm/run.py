#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The end-to-end tests on other kernels, in a QEMU guest: Debian 12's own 6.1, which has the reduced tier.

Without options it runs one test of each kind, as `make check` does; `--all --kernel all` is the whole. Processors are emulated, so it needs no privileges and runs wherever QEMU does; it is slow, so nothing
here depends on time.
"""
import argparse
import fnmatch
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import guest  # noqa: E402
import kernel  # noqa: E402
import prebuild  # noqa: E402
import selection  # noqa: E402

O = os.environ.get("O") or "build"  # as make has it, from the project's folder
OUT = (guest.ROOT / O).resolve()
QEMU = "qemu-system-x86_64"
# One host thread runs both processors: with a thread each, QEMU (7.2 at least) executes stale code where
# two of them share a page that is written, as the kernel's slots for single-stepped instructions are.
MACHINE = ["-machine", "q35", "-accel", "tcg,thread=single", "-smp", "2", "-m", "3072", "-nographic",
           "-no-reboot", "-nic", "none"]
# The clock is the HPET: on a busy machine a guest measures its TSC's frequency wrong, by a factor of 3 and more.
COMMAND_LINE = "console=ttyS0 quiet panic=-1 rcupdate.rcu_expedited=1 oops=panic clocksource=hpet tsc=reliable"
PATIENCE = 4  # the deadlines of the tests, times this
BOOT_SECONDS, TEST_SECONDS = 240, 60  # more than a guest needs on a very busy machine
RESULT = re.compile(r"(ok|not ok|skip) +(\S+)")
LAST_LINES = 40
KILLED = 128 + signal.SIGKILL  # how `timeout` says it


class Counts:
    def __init__(self):
        self.of = {"ok": 0, "not ok": 0, "skip": 0}

    def __str__(self):
        return f"{self.of['ok']} passed, {self.of['not ok']} failed, {self.of['skip']} skipped"


def say(line):
    print(line, flush=True)


def make_guest(path, settings):
    """Write the initramfs."""
    if subprocess.run(["make", "-s", "--no-print-directory", "-C", str(guest.ROOT), f"O={O}", "all",
                       f"{O}/demo/workflow"], check=False).returncode:
        raise guest.Missing("wftrace does not build")
    programs, failed = prebuild.programs(sorted({t for t in settings["tests"] if not t.startswith("vm.")}))
    for full, why in failed.items():
        say(f"        {full}: {why}")
    new = guest.Guest()
    new.add_text(f"{guest.HOME}/settings.json", json.dumps(settings).encode(), 0o644)
    home = {name: os.environ[name] for name in ("PATH", "HOME", "CARGO_HOME", "E2E_CFLAGS") if name in os.environ}
    lines = [f"export {name}='{value}'" for name, value in {**home, "O": "build"}.items()]
    new.build(OUT, programs, prebuild.compilers(), "\n".join(lines) + "\n")
    new.write(path)


class Console:
    """The guest's serial line: result lines are counted and shown, the rest is kept for the worst case."""

    def __init__(self, tests, counts, show_all, log):
        self.log = log
        self.open = Counter(tests)
        self.counts = counts
        self.show_all = show_all
        self.lines = []
        self.failing = False
        self.ended = False

    def take(self, line):
        line = line.rstrip("\r\n")
        print(line, file=self.log)
        self.lines = (self.lines + [line])[-LAST_LINES:]
        match = RESULT.match(line)
        if match and self.open[match.group(2).rstrip(":")]:
            self.open[match.group(2).rstrip(":")] -= 1
            self.counts.of[match.group(1)] += 1
            self.failing = match.group(1) == "not ok"
            say(line)
        elif self.show_all or (self.failing and line.startswith("        ")):
            say(line)
        self.ended = self.ended or line.startswith("guest: ended with status 0")

    def close(self, expired):
        """What has no result by now has failed."""
        missing = sorted(self.open.elements())
        if missing:
            how = "ended" if self.ended else "had to be stopped" if expired else "broke down"
            say(f"not ok  vm.end: the guest {how}, without a result of {len(missing)} tests: {', '.join(missing[:5])}")
            for line in [*self.lines, f"everything: {self.log.name}"]:
                say(f"        {line}")
            self.counts.of["not ok"] += len(missing)


def boot(which, files, more, console, seconds):
    """Run the guest to its end, to the deadline, or until this process is gone."""
    command = ["setpriv", "--pdeathsig=TERM", "timeout", "--signal=KILL", str(int(seconds)), QEMU, *MACHINE, "-cpu", which.cpu,
               "-kernel", str(files[0]), "-initrd", str(files[1]), "-append", f"{COMMAND_LINE} {which.append} {more}"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace") as machine:
        for line in machine.stdout:
            console.take(line)
    console.close(machine.returncode in (KILLED, -signal.SIGKILL))


def prepare(which, initramfs, options):
    """(kernel image, tests) of one kernel, with the initramfs written; raises where something is missing."""
    if not shutil.which(QEMU):
        raise kernel.Unavailable(f"{QEMU} is not installed")
    image = kernel.fetch(OUT / "vm", which)
    tests = choose(options, which.tier)
    make_guest(initramfs, {"tier": which.tier, "tests": tests, "patience": PATIENCE, "command": options.command})
    return image, [] if options.command else tests


def run_kernel(which, options, counts):
    """The suite on one kernel."""
    initramfs = OUT / "vm" / f"{which.name}.cpio"
    try:
        image, tests = prepare(which, initramfs, options)
    except (kernel.Unavailable, guest.Missing) as e:
        word = "not ok" if options.require else "skip"
        say(f"{word:7} vm.{which.name}: {e}")
        counts.of[word] += 1
        return
    begin = time.monotonic()
    say(f"        {image.name}, {initramfs.stat().st_size >> 20} MiB of files, {len(tests)} tests")
    with open(initramfs.with_suffix(".log"), "w", encoding="utf-8", buffering=1) as log:
        boot(which, (image, initramfs), options.append, Console(tests, counts, options.command, log),
             options.seconds or BOOT_SECONDS + TEST_SECONDS * len(tests))
    say(f"        {image.name}: {time.monotonic() - begin:.0f} s")


def parse_options():
    parser = argparse.ArgumentParser(description="the end-to-end tests on other kernels, in a QEMU guest")
    parser.add_argument("-k", metavar="PATTERN", help="only tests whose name contains or matches PATTERN")
    parser.add_argument("--all", action="store_true", help="every test that the guest can hold, not one of each kind")
    parser.add_argument("--kernel", metavar="NAME", default="debian-12",
                        help="all, or one of " + ", ".join(k.name for k in kernel.KERNELS))
    parser.add_argument("--seconds", type=float, default=0, metavar="N", help="until a guest is stopped")
    parser.add_argument("--require", action="store_true", help="a skip for want of QEMU or a kernel is a failure (CI)")
    parser.add_argument("--append", metavar="TEXT", default="", help="add this to the kernel's command line")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="each end-to-end test N times")
    parser.add_argument("--command", metavar="SHELL", help="run this in the guest instead of the tests, and show all")
    parser.add_argument("--list", action="store_true", help="print the tests and leave")
    return parser.parse_args()


def all_names():
    """Every end-to-end test there is."""
    import run as e2e  # pylint: disable=import-outside-toplevel  (tests/e2e/run.py, found by prebuild's path)
    return [full for full, _ in e2e.discover(None)]


def choose(options, tier):
    """The names of the tests, in their order."""
    if tier == "none":
        return ["vm.refused", "vm.kernel_log"]
    chosen = selection.choose(all_names(), options.all or options.k)
    tests = ["vm.doctor", "vm.demo"] + chosen * options.repeat
    if options.k:
        tests = [full for full in tests if options.k in full or fnmatch.fnmatch(full, options.k)]
    return tests + ["vm.kernel_log"]


def main():
    os.chdir(guest.ROOT)
    options = parse_options()
    if options.list:
        print("\n".join(choose(options, "reduced")))
        return 0
    if options.all:
        for what, count, why in selection.left_out(all_names()):
            say(f"        left out: {what} ({count}): {why}")
    counts = Counts()
    for which in kernel.KERNELS:
        if options.kernel in ("all", which.name):
            run_kernel(which, options, counts)
    say(f"vm: {counts}")
    return 1 if counts.of["not ok"] else 0


if __name__ == "__main__":
    sys.exit(main())
