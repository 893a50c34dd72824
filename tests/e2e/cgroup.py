# SPDX-License-Identifier: Apache-2.0
"""A memory cgroup of a test's own, version 1 or 2."""
import os
import signal
from pathlib import Path

from proc import Skip, wait_for

V1 = Path("/sys/fs/cgroup/memory")
V2 = Path("/sys/fs/cgroup")


class MemoryGroup:
    """with MemoryGroup(t, bytes) as group: start programs behind group.wrap()."""

    def __init__(self, t, limit):
        self.v2 = "memory" in self._read(V2 / "cgroup.controllers").split()
        base = V2 if self.v2 else V1
        self.path = base / f"wftrace-e2e-{os.getpid()}-{len(t.processes)}"
        try:
            if self.v2:
                (base / "cgroup.subtree_control").write_text("+memory")
            self.path.mkdir()
            self.set_limit(limit)
        except OSError as e:
            self.close()
            raise Skip(f"no memory cgroup can be made here: {e}") from None

    @staticmethod
    def _read(path):
        try:
            return path.read_text()
        except OSError:
            return ""

    def set_limit(self, limit):
        (self.path / ("memory.max" if self.v2 else "memory.limit_in_bytes")).write_text(str(limit))

    def usage(self):
        return int((self.path / ("memory.current" if self.v2 else "memory.usage_in_bytes")).read_text())

    def wrap(self):
        """A command prefix that runs the rest inside this group."""
        return ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', str(self.path)]

    def starve(self, pid):
        """Let the kernel kill a member for want of memory; by hand where it finds pages to drop."""
        for part in range(16, 0, -1):
            try:
                self.set_limit(self.usage() * part // 16)
            except OSError:
                continue  # version 1 refuses a limit below what cannot be dropped
        try:
            wait_for(lambda: not os.path.exists(f"/proc/{pid}/exe") or self._dead(pid), "a kill for want of memory", 5)
        except AssertionError:
            os.kill(pid, signal.SIGKILL)

    @staticmethod
    def _dead(pid):
        try:
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"
        except OSError:
            return True

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        try:
            for pid in self._read(self.path / "cgroup.procs").split():
                os.kill(int(pid), signal.SIGKILL)
            if self.path.exists():
                wait_for(self._remove, f"{self.path} is empty", 10)
        except (ProcessLookupError, AssertionError):
            pass

    def _remove(self):
        try:
            self.path.rmdir()
            return True
        except OSError:
            return False
