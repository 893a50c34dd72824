# SPDX-License-Identifier: Apache-2.0
"""What a test gets as its one argument: programs to build and start, wftrace to attach, assertions."""
import hashlib
import json
import os
import select
import shutil
import signal
import subprocess
import threading
from collections import Counter
from pathlib import Path

from proc import Failure, Lines, Process, Skip, Target, children, kill_tree, wait_for
from spans import Trace

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OUT = Path(os.environ.get("O") or ROOT / "build").resolve()
WFTRACE = Path(os.environ.get("WFTRACE") or OUT / "wftrace").resolve()
PROGRAMS = HERE / "programs"
CACHE = OUT / "e2e"

COMPILERS = {".c": "gcc", ".cc": "g++", ".S": "gcc", ".rs": "rustc"}
DEFAULT_FLAGS = ("-O2", "-g0")
BARRIER = os.environ.get("E2E_BARRIER")  # why this machine cannot trace
ARMED = "wftrace: tracing "
EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_CANNOT, EXIT_NOTHING = 0, 1, 2, 3, 4


def find_tool(name):
    """Path of a program, also where rustup keeps it; None if it is not here."""
    found = shutil.which(name)
    cargo = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo") / "bin" / name
    return found or (str(cargo) if cargo.exists() else None)


def need_tool(name):
    path = find_tool(name)
    if not path:
        raise Skip(f"{name} is not installed", required=True)
    return path


class Tracer(Process):
    """A running `wftrace attach`. stop() ends it and returns what it said."""

    def __init__(self, argv, ledger, lines=True, **more):
        """`lines`: its stdout, where the test gives none, is a file, so that it never waits for a reader."""
        self.ledger = Path(ledger)
        self.spans = self.ledger.with_suffix(".jsonl") if lines and "stdout" not in more else None
        if self.spans:
            with open(self.spans, "wb") as stdout:
                super().__init__(argv, stdin=subprocess.DEVNULL, stdout=stdout, **more)
        else:
            super().__init__(argv, stdin=subprocess.DEVNULL, **more)

    def wait_armed(self, timeout=30.0):
        line = self.err.wait(lambda text: text.startswith(ARMED), timeout)
        if line is None:
            self.popen.poll()
            raise Failure("wftrace never said that it is tracing\n" + "\n".join(self.describe()))
        word = line.split()
        self.functions, self.processes = int(word[2]), int(word[5])
        return self

    def read_ledger(self):
        try:
            return json.loads(self.ledger.read_text())
        except (OSError, ValueError) as e:
            raise Failure(f"no ledger was written ({e})\n" + "\n".join(self.describe())) from None

    def stop(self, number=signal.SIGINT, status=EXIT_DONE, timeout=40.0, check=True):
        self.signal(number)
        code = self.wait(timeout)
        if code != status:
            raise Failure(f"wftrace ended with {code}, not {status}\n" + "\n".join(self.describe()))
        out = self.spans.read_text(errors="surrogateescape").split("\n")[:-1] if self.spans else ()
        trace = Trace(out, self.read_ledger(), self.err.all(), code)
        if check and self.spans:
            trace.check()
        return trace


class Test:
    """One test: a directory, the processes it started, what to print when it fails."""

    def __init__(self, directory, soak=False):
        self.dir = Path(directory)
        self.soak = soak
        self.processes = []
        self.undo = []

    # -- programs ---------------------------------------------------------------------------
    def build(self, source, flags=DEFAULT_FLAGS, cc=None, libs=(), name=None, more=()):
        """Compile a program (cached by content) and put a copy of its own, so a new inode, here."""
        source = Path(source) if Path(source).is_absolute() else PROGRAMS / source
        cc = cc or COMPILERS[source.suffix]
        path = self._compile(source, cc, list(flags), list(libs), [Path(m) for m in more])
        own = self.dir / (name or source.stem)
        shutil.copy(path, own)
        return own

    def _compile(self, source, cc, flags, libs, more):
        command = [need_tool(cc)] + flags + list(os.environ.get("E2E_CFLAGS", "").split() if cc != "rustc" else ())
        inputs = [source] + [m if m.is_absolute() else PROGRAMS / m for m in more]
        digest = hashlib.sha256(repr((command, libs)).encode())
        for path in inputs + sorted(PROGRAMS.glob("*.h")):
            digest.update(path.read_bytes())
        CACHE.mkdir(parents=True, exist_ok=True)
        done = CACHE / f"{source.stem}-{digest.hexdigest()[:16]}"
        if done.exists():
            return done
        part = done.with_name(f"{done.name}.{os.getpid()}")
        if cc != "rustc":
            command += ["-I", str(PROGRAMS), "-pthread"]
        command += ["-o", str(part)] + [str(i) for i in inputs] + libs
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise Failure(f"cannot build: {' '.join(command)}\n{ran.stderr[-2000:]}")
        os.replace(part, done)
        return done

    def _keep(self, process):
        self.processes.append(process)
        return process

    def start(self, argv, **more):
        """Start a traced program and wait until it is ready."""
        argv = [argv] if isinstance(argv, (str, Path)) else list(argv)
        more.setdefault("cwd", self.dir)
        return self._keep(Target(argv, **more))

    def spawn(self, argv, **more):
        more.setdefault("cwd", self.dir)
        return self._keep(Process(argv, **more))

    def plain(self, argv, says=(), **more):
        """The program's (stdout, status) without a tracer; `says` are lines sent after `go`."""
        target = self.start(argv, **more)
        target.go()
        for line in says:
            target.go(line)
        return target.finish()

    def forget_processes(self):
        """Those that have ended are of no interest any more, in a long loop."""
        self.processes = [process for process in self.processes if process.alive()]

    # -- wftrace ----------------------------------------------------------------------------
    def need_wftrace(self):
        if not WFTRACE.exists():
            raise Skip(f"{WFTRACE.name} is not built", required=True)
        if os.geteuid() != 0:
            raise Skip("needs root", required=True)
        if BARRIER:
            raise Skip(BARRIER, required=True)

    @staticmethod
    def wftrace_path():
        return WFTRACE

    def keep_tracer(self, argv, ledger):
        """A wftrace with another command than attach, armed; stop() reads its ledger only."""
        return self._keep(Tracer(argv, ledger, lines=False, cwd=self.dir)).wait_armed()

    def wftrace(self, *args, timeout=60.0, env=None, wrap=(), program=WFTRACE, stdin=subprocess.DEVNULL):
        """Run wftrace to its end: (status, stdout, stderr)."""
        if not WFTRACE.exists():
            raise Skip(f"{WFTRACE.name} is not built", required=True)
        process = self.spawn([*wrap, program, *args], stdin=stdin, env=env)
        status = process.wait(timeout)
        if status == EXIT_CANNOT and BARRIER:
            raise Skip(BARRIER, required=True)
        return status, process.out.all(), process.err.all()

    def attach_argv(self, who, rules, options, ledger):
        argv = [WFTRACE, "attach", *who]
        for rule in rules:
            argv += ["-f", rule]
        return argv + ["--ledger", ledger, *options]

    def attach(self, target, rules, *options, wait=True, json_lines=True, wrap=(), **more):
        """Attach to a target, a PID, a name or a list of targets; returns when everything is armed."""
        self.need_wftrace()
        pids = target if isinstance(target, list) else [target]
        pids = [p.target_pid if isinstance(p, Target) else p.pid if isinstance(p, Process) else p for p in pids]
        who = ["-n", target] if isinstance(target, str) else ["-p", ",".join(str(p) for p in pids)]
        rules = [rules] if isinstance(rules, str) else rules
        ledger = self.dir / f"ledger{len(self.processes)}.json"
        lines = ["--json"] if json_lines else []
        argv = [*wrap, *self.attach_argv(who, rules, [*lines, *options], ledger)]
        tracer = self._keep(Tracer(argv, ledger, lines=json_lines, cwd=self.dir, **more))
        return tracer.wait_armed() if wait else tracer

    def run_traced(self, argv, rules, *options, says=(), check=True, **more):
        """Start, attach, let it run to its end, stop: (Trace, (stdout, status))."""
        self.need_wftrace()
        target = self.start(argv, **more)
        tracer = self.attach(target, rules, *options)
        target.go()
        for line in says:
            target.go(line)
        result = target.finish()
        return tracer.stop(check=check), result

    def compared(self, argv, rules, *options, **more):
        """run_traced, and the program must print and return what it does untraced."""
        self.need_wftrace()
        plain = self.plain(argv, **{k: v for k, v in more.items() if k != "check"})
        trace, result = self.run_traced(argv, rules, *options, **more)
        self.equal(result[1], plain[1], "exit status, traced and untraced")
        self.equal(result[0], plain[0], "output, traced and untraced")
        return trace

    # -- assertions -------------------------------------------------------------------------
    def true(self, value, what):
        if not value:
            raise Failure(what)

    def equal(self, got, want, what="value"):
        if isinstance(want, dict) and isinstance(got, (dict, Counter)):
            got, want = ({k: v for k, v in d.items() if v} for d in (got, want))
            if got != want:
                wrong = [f"  {k}: {got.get(k, 0)}, not {want.get(k, 0)}"
                         for k in {**want, **got} if got.get(k, 0) != want.get(k, 0)]
                raise Failure(f"{what} differ:\n" + "\n".join(wrong[:20]))
        elif got != want:
            raise Failure(f"{what}: {str(got)[:600]!r}, not {str(want)[:600]!r}")

    def edges(self, trace, want):
        """The exact (parent, child) pairs and how often each occurs."""
        try:
            self.equal(trace.edges(), want, "parents")
        except Failure as e:
            right = set(want)
            first = [s for s in trace.spans
                     if ((trace.parent(s).name if trace.parent(s) else None), s.name) not in right][:3]
            raise Failure(str(e) + "".join(f"\n  wrong: {s}" for s in first)
                          + f"\n  ledger: {json.dumps(trace.ledger.raw)}") from None

    def wait(self, condition, what, timeout=15.0):
        return wait_for(condition, what, timeout)

    def ask(self, target, question):
        """Send a line, and return the number of the newest answer `QUESTION N`."""
        seen = len(target.out.lines)
        target.send(question)
        line = wait_for(lambda: next((x for x in target.out.lines[seen:] if x.startswith(question)), None),
                        f"an answer to {question!r}")
        return int(line.split()[1])

    @staticmethod
    def drain_terminal(tracer, master):
        """Interrupt a wftrace on a pty, and read until it has ended, so that it is never held up."""
        tracer.signal(signal.SIGINT)
        while select.select([master], [], [], 20)[0]:
            try:
                if not os.read(master, 65536):
                    break
            except OSError:
                break
        os.close(master)

    @staticmethod
    def wait_age(seconds):
        """Let a call grow older: the passing of time is what is tested, nothing is waited for."""
        threading.Event().wait(seconds)

    @staticmethod
    def children_of(pid):
        return children(pid)

    # -- end --------------------------------------------------------------------------------
    def describe(self):
        """Commands and stderr of what ran, without programs that ended well and said nothing."""
        return [line for process in self.processes
                if process.popen.poll() != 0 or process.err.lines for line in process.describe()]

    def close(self):
        for process in self.processes:
            if process.alive():
                kill_tree(process.pid)
                process.popen.wait()
        kill_tree(os.getpid(), itself=False)
        for undo in reversed(self.undo):
            undo()


__all__ = ["Failure", "Lines", "Process", "Skip", "Target", "Test", "Tracer", "find_tool", "kill_tree",
           "need_tool", "wait_for", "CACHE", "HERE", "OUT", "PROGRAMS", "ROOT", "WFTRACE"]
