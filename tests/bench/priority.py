# SPDX-License-Identifier: Apache-2.0
"""Keeps other work on the machine out of the figures, as far as privileges go."""
import os
from contextlib import contextmanager
from pathlib import Path

NICE = -10
GROUP = Path("/proc/self/autogroup")  # where the kernel shares out by session, nice counts within one only


def group_nice():
    """Of this session, or None."""
    try:
        return int(GROUP.read_text().split()[-1])
    except (OSError, ValueError, IndexError):
        return None


def set_nice(nice, group):
    try:
        os.setpriority(os.PRIO_PROCESS, 0, nice)
        if group is not None:
            GROUP.write_text(f"{group}\n")
    except OSError:
        pass


@contextmanager
def raised():
    """For this process and what it starts from now on; yields the nice value that holds."""
    before, group = os.getpriority(os.PRIO_PROCESS, 0), group_nice()
    set_nice(NICE, None if group is None else NICE)
    try:
        yield os.getpriority(os.PRIO_PROCESS, 0)
    finally:
        set_nice(before, group)


def share(pids):
    """Our session's priority to processes that began sessions of their own."""
    group = group_nice()
    for pid in pids:
        try:
            if group is not None:
                Path(f"/proc/{pid}/autogroup").write_text(f"{group}\n")
        except OSError:
            pass


@contextmanager
def usual():
    """In the middle of raised()."""
    before, group = os.getpriority(os.PRIO_PROCESS, 0), group_nice()
    set_nice(0, None if group is None else 0)
    try:
        yield
    finally:
        set_nice(before, group)
