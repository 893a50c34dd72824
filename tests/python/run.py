#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run the tests of the Python side: test_* functions of the test_*.py files beside this one.

A test runs on the oldest interpreter at hand, on a 3.11 and on the newest; on all of them where it, or
its file, is marked `everywhere`, or in a soak; on the ends of each way in where it is marked `few`; just
once where it is marked `once`. Interpreters are the system's, those of pyenv, python3.NN on PATH, and
those named with --python or in WF_PYTHONS.
"""
import argparse
import fnmatch
import importlib
import os
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import interpreter  # noqa: E402
import seam  # noqa: E402


def discover(pattern):
    """[(name, function)], in the order of the files."""
    found = []
    for path in sorted(HERE.glob('test_*.py')):
        module = importlib.import_module(path.stem)
        for name, value in vars(module).items():
            if name.startswith('test_') and callable(value) and value.__module__ == path.stem:
                full = '%s.%s' % (path.stem, name)
                if not pattern or pattern in full or fnmatch.fnmatch(full, pattern):
                    found.append((full, value))
    return found


def chosen(function, pythons, soak):
    if getattr(function, 'once', False):
        return pythons[:1]
    if soak:
        return pythons
    if getattr(function, 'few', False):
        slot = [python for python in pythons if python.version < (3, 14)]
        return [python for python in pythons if python in slot[:1] + slot[-1:] + pythons[-1:]]
    if getattr(function, 'everywhere', False):
        return pythons
    middle = [python for python in pythons if python.version[:2] == (3, 11)][:1]
    return [python for python in pythons if python in pythons[:1] + middle + pythons[-1:]]


def run_one(name, function, python, shared, options):
    """'passed', 'failed' or 'skipped', and one line about it; 'elsewhere' where it is about others."""
    directory = Path(tempfile.mkdtemp(prefix='wftrace-python-'))
    directory.chmod(0o755)
    begin, why, result = time.monotonic(), '', 'passed'
    test = seam.Test(directory, python, shared, options)
    try:
        function(test)
    except seam.NotFor:
        return 'elsewhere'
    except seam.Skip as reason:
        result, why = 'skipped', ' # ' + str(reason)
    except Exception:
        result, why = 'failed', '\n' + traceback.format_exc() + test.describe()
    finally:
        test.close()
        shutil.rmtree(directory, ignore_errors=True)
    word = {'passed': 'ok    ', 'failed': 'not ok', 'skipped': 'skip  '}[result]
    print('%s  %s%s (%.1f s)%s' % (word, name, ' ' + python.name if python else '',
                                  time.monotonic() - begin, why), flush=True)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('-k', dest='pattern', default='', help='only tests whose name has this in it')
    parser.add_argument('--python', action='append', default=[], help='this interpreter only')
    parser.add_argument('--soak', action='store_true', help='long loops, every interpreter')
    parser.add_argument('--require-kernel', action='store_true', help='a test that cannot trace fails')
    options = parser.parse_args()
    pythons = interpreter.find(options.python)
    counts = {'passed': 0, 'failed': 0, 'skipped': 0, 'elsewhere': 0}
    shared = seam.Shared(options)
    try:
        for name, function in discover(options.pattern):
            for python in chosen(function, pythons, options.soak):
                counts[run_one(name, function, python, shared, options)] += 1
    finally:
        shared.close()
    del counts['elsewhere']
    print('python: ' + ', '.join('%d %s' % (n, what) for what, n in counts.items()))
    return 1 if counts['failed'] else 0


if __name__ == '__main__':
    sys.exit(main())
