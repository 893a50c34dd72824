# SPDX-License-Identifier: Apache-2.0
"""The interpreters at hand: CPython 3.8 and newer, one of each build."""
import glob
import os
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
QUESTION = ('import os, sys, sysconfig; print(sys.implementation.name, "%d.%d.%d" % sys.version_info[:3], '
            'int(bool(sysconfig.get_config_var("Py_GIL_DISABLED"))), int(os.path.isdir(sys.argv[1])))')
BUILT = os.path.expanduser('~/.cache/wftrace/pythons/built/%s/bin/python3.13')
os.environ.setdefault('WFTRACE_SHOWN', os.path.dirname(os.path.dirname(HERE)))  # to those of newer.sh


class Interpreter:
    def __init__(self, path, version):
        self.path, self.version = path, version
        self.name = '%d.%d.%d' % version

    def monitors(self):
        return self.version >= (3, 12)


def candidates():
    yield '/usr/bin/python3'
    home = os.environ.get('PYENV_ROOT') or os.path.expanduser('~/.pyenv')
    yield from sorted(glob.glob(os.path.join(home, 'versions', '*', 'bin', 'python3')))
    if os.geteuid() == 0:  # of newer.sh
        yield from sorted(glob.glob(os.path.expanduser('~/.cache/wftrace/pythons/bin/python3.*')))
    for minor in range(8, 20):
        yield shutil.which('python3.%d' % minor) or ''


def ask(path, free_threaded='0'):
    """An Interpreter, or None where it is not one that is asked for."""
    try:
        done = subprocess.run([path, '-I', '-c', QUESTION, HERE], stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.DEVNULL, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    words = done.stdout.split()
    if len(words) != 4 or words[0] != 'cpython' or words[2:] != [free_threaded, '1']:
        return None
    version = tuple(int(part) for part in words[1].split('.'))
    return Interpreter(path, version) if version >= (3, 8) else None


def find(named):
    """Every interpreter, oldest first."""
    paths = named or os.environ.get('WF_PYTHONS', '').split() or list(candidates())
    found, seen = [], set()
    for path in paths:
        real = os.path.realpath(path) if path else ''
        python = ask(path) if real and real not in seen else None
        seen.add(real)
        if python:
            found.append(python)
    if not found:
        raise SystemExit('run.py: there is no CPython of 3.8 or newer')
    return sorted(found, key=lambda python: python.version)


def without_gil():
    """A free-threaded one of builds.sh, or None."""
    return ask(BUILT % 'free', '1')


def of_musl():
    return ask(BUILT % 'musl')
