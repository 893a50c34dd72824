# SPDX-License-Identifier: Apache-2.0
"""Child processes of a test: started with pipes, read line by line, waited for with deadlines."""
import os
import signal
import subprocess
import threading
import time

PATIENCE = float(os.environ.get("E2E_PATIENCE") or 1)  # every time limit, times this: for slow machines


class Failure(AssertionError):
    """The thing under test did not do what the test says."""


class Skip(Exception):
    """The test cannot run here; `required`: for want of wftrace, eBPF, root or what `make deps` installs."""

    def __init__(self, reason, required=False):
        super().__init__(reason)
        self.required = required


def wait_for(condition, what, timeout=15.0):
    """The first true value of condition(); polled, since /proc cannot be waited for."""
    end = time.monotonic() + timeout * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise Failure(f"not within {timeout:g} s: {what}")
        time.sleep(0.01)


def children(pid):
    """All descendants of a process, nearest first."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as f:
                    parents.setdefault(int(f.read().rsplit(b")", 1)[1].split()[1]), []).append(int(name))
            except (OSError, IndexError):
                continue
    found, todo = [], [pid]
    while todo:
        for child in parents.get(todo.pop(0), []):
            found.append(child)
            todo.append(child)
    return found


def kill_tree(pid, itself=True):
    """SIGKILL to the descendants of a process of ours, and to itself."""
    for victim in children(pid) + ([pid] if itself else []):
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            pass


class Lines:
    """Reads a stream to its end in a thread; lines can be waited for."""

    def __init__(self, stream):
        self.lines = []
        self.ended = False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self.thread.start()

    def _read(self, stream):
        try:
            for line in stream:
                with self.changed:
                    self.lines.append(line.rstrip("\n"))
                    self.changed.notify_all()
        except (OSError, ValueError):
            pass
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait(self, match, timeout):
        """The first line for which match(line) is true; None at the end of the stream or the deadline."""
        def found():
            return next((line for line in self.lines if match(line)), None)
        with self.changed:
            self.changed.wait_for(lambda: found() is not None or self.ended, timeout * PATIENCE)
            return found()

    def all(self, timeout=10.0):
        self.thread.join(timeout * PATIENCE)
        return list(self.lines)


class Process:
    """A child with piped streams. Status is negative for a signal, as subprocess has it."""

    def __init__(self, argv, cwd=None, env=None, stdin=subprocess.PIPE, **more):
        self.argv = [str(a) for a in argv]
        self.popen = subprocess.Popen(
            self.argv, cwd=cwd, env=env, stdin=stdin, stdout=more.pop("stdout", subprocess.PIPE),
            stderr=subprocess.PIPE, text=True, encoding="utf-8", errors="surrogateescape", **more)
        self.out = Lines(self.popen.stdout) if self.popen.stdout else None
        self.err = Lines(self.popen.stderr)

    @property
    def pid(self):
        return self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def send(self, text):
        try:
            self.popen.stdin.write(text + "\n")
            self.popen.stdin.flush()
        except (BrokenPipeError, ValueError):
            pass

    def signal(self, number):
        if self.alive():
            os.kill(self.pid, number)

    def wait(self, timeout=30.0):
        if self.popen.stdin:
            try:
                self.popen.stdin.close()
            except BrokenPipeError:
                pass
        try:
            self.popen.wait(timeout * PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failure(f"still running after {timeout:g} s: {' '.join(self.argv)}") from None
        return self.popen.returncode

    def describe(self):
        text = [f"command: {' '.join(self.argv)}", f"status: {self.popen.poll()}"]
        text += [f"stderr: {line}" for line in self.err.lines[-15:]]
        return text


class Target(Process):
    """A traced program: it prints `ready PID` and waits for a line on stdin before it works."""

    def __init__(self, argv, **more):
        super().__init__(argv, **more)
        line = self.out.wait(lambda text: text.startswith("ready "), 20.0)
        if line is None:
            raise Failure("the program never said `ready`: " + "; ".join(self.describe()))
        self.target_pid = int(line.split()[1])

    def go(self, text="go"):
        self.send(text)

    def expect(self, prefix, timeout=30.0):
        line = self.out.wait(lambda text: text.startswith(prefix), timeout)
        if line is None:
            raise Failure(f"the program never said {prefix!r}: " + "; ".join(self.describe()))
        return line[len(prefix):].strip()

    def finish(self, timeout=60.0):
        """Close its stdin, wait for it; (stdout without the ready line, status)."""
        status = self.wait(timeout)
        return [line for line in self.out.all() if not line.startswith("ready ")], status
