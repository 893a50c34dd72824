#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Build with gcc and clang, run every suite, and close with one line: N passed, N failed, N skipped.

A suite prints its own lines and ends with `NAME: N passed, N failed, N skipped`. With CI=true the
machine must be able to trace: a skipped end-to-end test is then a failure.
"""
import glob
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OUT = os.environ.get('O') or 'build'
MAKE = [os.environ.get('MAKE') or 'make', '-s', '--no-print-directory', f'-j{os.cpu_count()}', f'O={OUT}',
        'WERROR=1']
CI = os.environ.get('CI') == 'true'
UNIT_SECONDS = 300
FUZZ_SECONDS = 3
TESTS_AT_ONCE = 2  # end-to-end tests, which wait most of the time
GUEST = [sys.executable, 'tests/vm/run.py'] + (['--require'] if CI else [])  # one emulated processor
TOTAL = re.compile(r'\w+: (\d+) passed, (\d+) failed, (\d+) skipped')


class Counts:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, passed, failed, skipped):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped

    def __str__(self):
        return f'{self.passed} passed, {self.failed} failed, {self.skipped} skipped'


def say(line):
    print(line, flush=True)


def build(counts, what, *arguments):
    """One make run counts as one test."""
    ok = subprocess.run(MAKE + list(arguments)).returncode == 0
    counts.add(int(ok), int(not ok), 0)
    say(f"{'ok    ' if ok else 'not ok'}  {what}")
    return ok


def start_suite(command):
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            errors='replace', env=dict(os.environ, O=OUT))


def suite(counts, name, command):
    finish_suite(counts, name, start_suite(command))


def finish_suite(counts, name, child):
    """Stream a suite and read its last line."""
    say(f'-- {name}')
    total = None
    for line in child.stdout:
        sys.stdout.write(line)
        sys.stdout.flush()
        total = TOTAL.match(line) or total
    status = child.wait()
    numbers = [int(n) for n in total.groups()] if total else [0, 0, 0]
    if not total or (status and not numbers[1]):
        say(f'not ok  {name} ended with status {status} and no complete result')
        numbers[1] += 1
    counts.add(*numbers)


def unit_test(path):
    """[passed, failed, skipped] of one cmocka program, which counts itself in TAP."""
    try:
        done = subprocess.run([path], env=dict(os.environ, CMOCKA_MESSAGE_OUTPUT='TAP'), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors='replace',
                              timeout=UNIT_SECONDS)
        out, status = done.stdout, done.returncode
    except subprocess.TimeoutExpired as slow:
        out, status = (slow.stdout or b'').decode(errors='replace'), f'none after {UNIT_SECONDS} s'
    lines = re.findall(r'^(ok|not ok) \d+(.*)$', out, re.M)
    skipped = sum(1 for word, rest in lines if word == 'ok' and '# SKIP' in rest)
    failed = sum(1 for word, _ in lines if word == 'not ok')
    plan = re.search(r'^1\.\.(\d+)', out, re.M)
    if not failed and (status != 0 or not plan or int(plan.group(1)) != len(lines)):
        out += f'\nended with status {status} after {len(lines)} tests\n'
        failed = 1
    if failed:
        sys.stdout.write(out)
    return [sum(1 for word, _ in lines if word == 'ok') - skipped, failed, skipped]


def unit(counts, name, out):
    say(f'-- {name}')
    stems = [os.path.basename(source)[:-2] for source in sorted(glob.glob('tests/unit/test_*.c'))]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(unit_test, [f'{out}/tests/{stem}' for stem in stems])
        for stem, (passed, failed, skipped) in zip(stems, results):
            counts.add(passed, failed, skipped)
            say(f"{'not ok' if failed else 'ok    '}  {stem}: {passed} passed, {failed} failed, "
                f'{skipped} skipped')


def main():
    os.chdir(ROOT)
    counts = Counts()
    barrier = subprocess.run(['sh', 'scripts/can_trace.sh'], stdout=subprocess.PIPE, text=True)
    if barrier.returncode:
        say(f'check: {barrier.stdout.strip()}; what needs it is skipped')
        if CI:
            say('not ok  a CI machine can trace')
            counts.add(0, 1, 0)
    built = build(counts, 'wftrace builds without a warning (gcc)', 'all')
    build(counts, 'every source compiles without a warning (clang)', 'clang')
    if build(counts, 'the unit tests build', 'units'):
        unit(counts, 'unit', OUT)
    if CI and build(counts, 'the unit tests build with sanitizers', 'SAN=1', f'O={OUT}/san', 'units'):
        unit(counts, 'unit, with sanitizers', f'{OUT}/san')
    if CI:
        suite(counts, 'fuzz', MAKE + [f'FUZZ_SECONDS={FUZZ_SECONDS}', 'fuzz'])
    suite(counts, 'style', [sys.executable, 'tests/style/run.py'])
    if built:
        suite(counts, 'e2e', [sys.executable, 'tests/e2e/run.py', '-j', str(min(os.cpu_count(), TESTS_AT_ONCE))]
              + (['--require'] if CI else []))
    agent = build(counts, 'the agent for Python and its reader build', 'python-parts')
    guest = start_suite(GUEST) if built else None
    if agent:
        suite(counts, 'python', [sys.executable, 'tests/python/run.py'] + (['--require-kernel'] if CI else []))
    if guest:
        finish_suite(counts, 'vm', guest)
    say(str(counts))
    return 1 if counts.failed else 0


sys.exit(main())
