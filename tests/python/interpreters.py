# SPDX-License-Identifier: Apache-2.0
"""The Pythons of this machine: Debian's, pyenv's, those of newer.sh, and python3.NN on PATH."""
import glob
import os
import shutil
import subprocess

OLDEST, NEWEST = 8, 15
NEWER = os.path.expanduser("~/.cache/wftrace/pythons/bin/python3.*")


class Interpreter:
    def __init__(self, path, version):
        self.path = path
        self.version = version
        self.minor = int(version.split(".")[1])
        self.name = version

    def __repr__(self):
        return self.name


def version_of(path):
    """"3.11.2", or None where it does not run."""
    try:
        done = subprocess.run([path, "-I", "-c", "import sys;print('%d.%d.%d' % sys.version_info[:3])"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=30, cwd="/tmp")
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def candidates():
    yield "/usr/bin/python3"
    yield from sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.*/bin/python3")))
    if os.geteuid() == 0:
        yield from sorted(glob.glob(NEWER))
    for minor in range(OLDEST, NEWEST + 1):
        path = shutil.which(f"python3.{minor}")
        if path and "/shims/" not in path:
            yield path


def find():
    """One Interpreter for each version, oldest first."""
    found = {}
    for path in candidates():
        version = version_of(path)
        if version and OLDEST <= int(version.split(".")[1]) <= NEWEST:
            found.setdefault(version, Interpreter(path, version))
    return sorted(found.values(), key=lambda python: [int(part) for part in python.version.split(".")])
