# SPDX-License-Identifier: Apache-2.0
"""Real Python applications: their packages, and clients that keep them busy and check every answer."""
import http.client
import json
import socket
import threading
import time
from pathlib import Path

from harness import OUT, Failure, Skip
from receiver import venv_python
from shop import VERSIONS

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements-apps.txt"


def pythons():
    """Debian's, whose code is swapped, and the newest of pyenv, which is monitored, both with the packages."""
    found = [p for p in [Path("/usr/bin/python3"), *VERSIONS[-1:]] if p.exists()]
    try:
        return [venv_python(OUT, REQUIREMENTS, base, f"apps-{i}") for i, base in enumerate(found)]
    except OSError as e:
        raise Skip(f"the applications cannot be installed here: {e}") from None


class Connection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(connection, path):
    """(status, the JSON of the answer)."""
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read().decode()
    return answer.status, json.loads(body) if body[:1] in "{[" else body


class Clients:
    """Threads that ask the paths of want() in turn until stop(); what differs from its answers is kept."""

    def __init__(self, path, want, threads=4):
        self.path, self.want = path, want
        self.lock = threading.Lock()
        self.next = self.done = 0
        self.wrong, self.broken, self.asked, self.ending = [], [], {}, False
        self.threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def _take(self):
        with self.lock:
            self.next += 1
            return self.next

    def _work(self):
        connection = Connection(self.path)
        while not self.ending:
            n = self._take()
            path, status, body = self.want(n)
            try:
                got = ask(connection, path)
            except (OSError, http.client.HTTPException) as e:
                with self.lock:
                    self.broken.append(f"{path}: {e!r}")
                connection.close()
                continue
            with self.lock:
                self.done += 1
                if got != (status, body):
                    self.wrong.append(f"{path}: {got}, not {(status, body)}")

    def more(self, number, timeout=30.0):
        """Wait until that many more requests were answered."""
        with self.lock:
            want, end = self.done + number, time.monotonic() + timeout
        while self.done < want:
            if time.monotonic() >= end:
                raise Failure(f"{self.done} of {want} answers; {self.broken[:3]} {self.wrong[:3]}")
            time.sleep(0.01)

    def stop(self, broken=0):
        """End; all that was asked must have been answered rightly."""
        self.ending = True
        for thread in self.threads:
            thread.join()
        if self.wrong or len(self.broken) > broken:
            raise Failure(f"{len(self.wrong)} wrong, {len(self.broken)} broken: {self.wrong[:3]} {self.broken[:3]}")
        return self.done


def listening(t, path):
    def answers():
        try:
            connection = Connection(path)
            connection.connect()
            connection.close()
            return True
        except OSError:
            return False
    t.wait(answers, f"{path.name} is served", 30)
