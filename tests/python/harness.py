# SPDX-License-Identifier: Apache-2.0
"""What a test gets: targets to start, texts to run in them, assertions."""
import os
import signal
import subprocess
import tempfile
import time

import seam

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
OUT = os.path.abspath(os.environ.get("O") or os.path.join(ROOT, "build"))
INJECT = os.path.join(OUT, "tests", "inject")
PATIENCE = float(os.environ.get("E2E_PATIENCE") or 1)


class Failure(AssertionError):
    pass


def target_test(seconds=60):
    """A test of the runner that gets a Case, and seconds to end."""
    def mark(function):
        def run(test):
            case = Case(test)
            signal.signal(signal.SIGALRM, lambda *_: case.late(seconds))
            signal.alarm(int(seconds * PATIENCE * (20 if test.soak else 1)))
            try:
                function(case)
            except seam.Skip:
                raise
            except Exception as failure:
                raise Failure(f"{failure}\n{case.describe()}") from failure
            finally:
                signal.alarm(0)
                case.close()
        run.__module__, run.__name__ = function.__module__, function.__name__
        return run
    return mark


class Answer:
    """What the inject program said."""

    def __init__(self, out, status):
        self.status = status
        self.lines = out.splitlines()
        self.states = self.values("state")
        self.results = self.values("result")
        errors = self.values("error")
        number, _, text = errors[0].partition(" ") if errors else ("0", "", "")
        self.errno, self.error = int(number), text

    def values(self, word):
        return [line[len(word) + 1:] for line in self.lines if line.startswith(word + " ")]

    @property
    def result(self):
        return self.results[-1] if self.results else None

    def __repr__(self):
        return f"status {self.status}: {self.lines}"


class Target:
    """A program under test: stdout by line, stderr in a file."""

    def __init__(self, argv, folder, **more):
        self.errors = tempfile.TemporaryFile()
        self.popen = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                                      cwd=folder, **more)
        self.pid = self.popen.pid

    def line(self):
        return self.popen.stdout.readline().decode().rstrip("\n")

    def send(self, text=""):
        self.popen.stdin.write(text.encode() + b"\n")
        self.popen.stdin.flush()

    def stderr(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def finish(self, timeout=30):
        """Close its stdin and wait: (rest of stdout, stderr, status)."""
        out, _ = self.popen.communicate(timeout=timeout * PATIENCE)
        return out.decode(errors="replace").splitlines(), self.stderr(), self.popen.returncode

    def fds(self):
        return sorted(os.listdir(f"/proc/{self.pid}/fd"), key=int)

    def close(self):
        if self.popen.poll() is None:
            self.popen.kill()
        for stream in self.popen.stdin, self.popen.stdout, self.errors:
            try:
                stream.close()
            except OSError:
                pass
        self.popen.wait()


class Case:
    def __init__(self, test):
        self.python = test.python.path
        self.version = test.python.name
        self.minor = test.python.version[1]
        self.soak = test.soak
        self.folder = str(test.directory)
        self.targets = []

    def close(self):
        for target in self.targets:
            target.close()

    def late(self, seconds):
        raise Failure(f"no end after {seconds} s")

    def describe(self):
        return "\n".join(f"target {t.popen.args}: status {t.popen.poll()}, stderr {t.stderr()!r}"
                         for t in self.targets)

    # targets

    def start(self, argv, ready=True, **more):
        """Start a program; with `ready`, wait for its line "ready"."""
        target = Target(argv, self.folder, **more)
        self.targets.append(target)
        if ready:
            self.equal(target.line(), "ready", "the target's first line")
        return target

    def script(self, text, *args, options=(), ready=True, **more):
        """Start this interpreter on a script, which is to print "ready" when it is."""
        path = self.write("target.py", text)
        return self.start([self.python, *options, path, *args], ready, **more)

    def asleep(self, text):
        """The same, and it sits in read(0, ...)."""
        target = self.script(text)
        with open(f"/proc/{target.pid}/syscall", encoding="utf-8") as call:
            self.wait(lambda: call.seek(0) == 0 and call.read().startswith("0 0x0 "), "the program reads")
        return target

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def compile(self, name, text, *flags):
        """A program or, with -shared, a library."""
        source = self.write(name + ".c", text)
        path = os.path.join(self.folder, name)
        done = subprocess.run(["gcc", "-O1", "-w", "-o", path, source, *flags], stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise seam.Skip(f"{name}.c does not compile: {done.stderr.splitlines()[:1]}")
        return path

    # the way in

    def inject_argv(self, target, text=None, *options):
        self.need_inject()
        script = ["--script", self.write("inject.txt", text)] if text is not None else []
        return [INJECT, *script, *options, str(getattr(target, "pid", target))]

    def inject(self, target, text=None, *options, timeout=30):
        done = subprocess.run(self.inject_argv(target, text, *options), stdout=subprocess.PIPE, text=True,
                              errors="replace", stdin=subprocess.DEVNULL, timeout=timeout * PATIENCE)
        return Answer(done.stdout, done.returncode)

    def start_inject(self, target, text=None, *options):
        """The same, running: a Target whose lines are its facts."""
        return self.start(self.inject_argv(target, text, *options), ready=False)

    def need_inject(self):
        if not os.path.exists(INJECT):
            raise seam.Skip("build/tests/inject is not built")
        if os.geteuid() != 0:
            raise seam.Skip("needs root")

    # assertions

    def equal(self, got, want, what):
        if got != want:
            raise Failure(f"{what}: {got!r}, expected {want!r}")

    def true(self, holds, what):
        if not holds:
            raise Failure(what)

    def contains(self, text, part, what):
        if part not in text:
            raise Failure(f"{what}: {part!r} is not in {text!r}")

    def wait(self, condition, what, timeout=10):
        end = time.monotonic() + timeout * PATIENCE
        while not condition():
            if time.monotonic() > end:
                raise Failure(f"{what}: not within {timeout} s")
            time.sleep(0.005)

    def undisturbed(self, target, out=None):
        """It ends by itself with status 0 and nothing on stderr."""
        lines, errors, status = target.finish()
        self.equal((errors, status), ("", 0), "the target's stderr and status")
        if out is not None:
            self.equal(lines, out, "the target's output")


def kill(target):
    os.kill(target.pid, signal.SIGKILL)
