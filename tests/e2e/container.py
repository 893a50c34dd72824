# SPDX-License-Identifier: Apache-2.0
"""A container of a test's own: runc with its own root, user, PID, mount and network namespaces."""
import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from proc import Failure, wait_for

USER = 100000  # what root in the container is outside


class Container:
    """A bundle whose root holds the given files in /opt, with the libraries that they need."""

    def __init__(self, t, runc, files):
        self.t, self.runc = t, runc
        self.id = hashlib.sha256(str(t.dir).encode()).hexdigest()
        self.root = t.dir / "rootfs"
        for folder in ("proc", "dev", "tmp", "opt"):
            (self.root / folder).mkdir(parents=True)
        for path in files:
            self._copy(path, f"/opt/{Path(path).name}")
            for library in self._libraries(path):
                self._copy(library, library)
        for path in [self.root, *self.root.rglob("*")]:
            os.chown(path, USER, USER)
        for path in (t.dir, t.dir.parent):
            os.chmod(path, path.stat().st_mode | 0o011)
        t.undo.append(self.delete)

    def _copy(self, source, inside):
        to = self.root / inside.lstrip("/")
        if not to.exists():
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, to)

    @staticmethod
    def _libraries(path):
        ran = subprocess.run(["ldd", str(path)], capture_output=True, text=True, check=False)
        return [found for found in re.findall(r"(/\S+)", ran.stdout) if os.path.exists(found)]

    def _command(self, *words):
        return [self.runc, "--root", str(self.t.dir / "runc"), *words]

    def start(self, argv):
        """The container's first process, as a target: its own PID is 1, host_pid() is the one out here."""
        mapping = [{"containerID": 0, "hostID": USER, "size": 1000}]
        spaces = [{"type": kind} for kind in ("pid", "mount", "ipc", "uts", "network", "user")]
        (self.t.dir / "config.json").write_text(json.dumps({
            "ociVersion": "1.0.2", "root": {"path": "rootfs"}, "hostname": "inside",
            "process": {"terminal": False, "user": {"uid": 0, "gid": 0}, "cwd": "/opt", "args": argv},
            "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
            "linux": {"namespaces": spaces, "uidMappings": mapping, "gidMappings": mapping},
        }))
        return self.t.start(self._command("run", "-b", str(self.t.dir), self.id))

    def join(self, argv):
        """One more process in the container."""
        return self.t.start(self._command("exec", self.id, *argv))

    def state(self):
        ran = subprocess.run(self._command("state", self.id), capture_output=True, text=True, check=False)
        return json.loads(ran.stdout) if ran.returncode == 0 else {}

    def host_pid(self):
        return wait_for(lambda: self.state().get("pid"), "the container runs")

    def count_pids_from(self, number):
        """The next process in the container gets a PID above this one."""
        ran = subprocess.run(["nsenter", f"--pid=/proc/{self.host_pid()}/ns/pid", "sh", "-c",
                              'echo "$0" > /proc/sys/kernel/ns_last_pid', str(number)],
                             capture_output=True, text=True, check=False)
        if ran.returncode:
            raise Failure(f"the container's PIDs cannot be set: {ran.stderr}")

    def delete(self):
        subprocess.run(self._command("delete", "-f", self.id), capture_output=True, check=False)
