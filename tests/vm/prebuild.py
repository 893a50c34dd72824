# SPDX-License-Identifier: Apache-2.0
"""Compile on the host what tests compile: each runs up to the point where it would start something."""
import importlib
import shutil
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

import harness  # noqa: E402
from proc import Failure, Skip  # noqa: E402


class Stop(Exception):
    """All that can be built is built."""


class Builder(harness.Test):
    """A test's argument that builds, and starts nothing."""

    def __init__(self, directory):
        super().__init__(directory)
        self.built = set()

    def need_wftrace(self):
        pass

    def _compile(self, *arguments):
        path = super()._compile(*arguments)
        self.built.add(path)
        return path

    def start(self, argv, **more):
        raise Stop

    spawn = start


def programs(tests):
    """(compiled programs, {test: why it cannot be built})"""
    built, failed = set(), {}
    for full in tests:
        module, name = full.split(".")
        directory = tempfile.mkdtemp(prefix="wftrace-vm-")
        builder = Builder(directory)
        try:
            getattr(importlib.import_module(module), name)(builder)
        except (Stop, Skip):
            pass
        except Failure as e:
            failed[full] = str(e)
        finally:
            built |= builder.built
            shutil.rmtree(directory, ignore_errors=True)
    return sorted(built), failed


def compilers():
    """Where this machine has them: their paths are part of the names of compiled programs."""
    names = sorted({*harness.COMPILERS.values(), "clang", "clang++", "musl-gcc"})
    return [path for path in map(harness.find_tool, names) if path]
