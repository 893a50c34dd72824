# SPDX-License-Identifier: Apache-2.0
"""`run` with Python rules: the command stands still until it is traced, so that no call is missed."""
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter

from harness import PROGRAMS, Failure
from shop import few, interpreters, minor
from spans import Trace

MODULE = "def call(n):\n    return n\n"
CALLS = "import shelf\nfor n in range(5):\n    shelf.call(n)\nprint('called')\n"
AGAIN = """import os, sys, shelf
shelf.call(0)
if len(sys.argv) < 2:
    os.execv(sys.executable, [sys.executable, __file__, 'again'])
print('called')
"""
ENDS = {
    "wrong": "x = (\n", "imports": "import wrong\n", "missing": "import wrong2\n", "raises": "import raised\n",
    "nothing": "", "status": "import sys; sys.exit(7)", "syntax": "def f(:\n", "raised": "1 / 0\n",
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "handled": "import os, signal, sys\nsignal.signal(signal.SIGCONT, lambda *_: sys.exit(3))\nprint(os.getpid() > 1)\n",
}


def shelf(t):
    (t.dir / "shelf.py").write_text(MODULE)
    (t.dir / "main.py").write_text(CALLS)
    (t.dir / "again.py").write_text(AGAIN)
    package = t.dir / "book"
    package.mkdir(exist_ok=True)
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(CALLS)


def run(t, command, *rules, **more):
    """(Trace, status, stdout) of a command, whose ledger balances."""
    t.need_wftrace()
    spans, ledger = t.dir / "spans.jsonl", t.dir / "run.json"
    words = [word for rule in rules or ("shelf:call(n=arg.n)",) for word in ("-f", rule)]
    status, out, err = t.wftrace("run", *words, "--json", "-o", spans, "--ledger", ledger, "--", *command, **more)
    trace = Trace.load(spans, ledger, err)
    trace.check()
    return trace, status, out


def all_called(t, command, calls=5, **more):
    trace, status, out = run(t, command, **more)
    t.equal((status, out), (0, ["called"]), f"{command}: {trace.stderr}")
    t.equal(trace.counts(), Counter({"shelf.call": calls}), f"{command}: {trace.stderr}")
    t.true(not any("nothing fitted" in line or "not disarmed" in line for line in trace.stderr), trace.stderr)


def test_the_first_call_of_a_module_is_seen(t):
    shelf(t)
    for python in interpreters():
        all_called(t, [python, "-m", "book"])


def test_whatever_starts_the_interpreter(t):
    shelf(t)
    script = t.dir / "script.py"
    for python in few(t):
        script.write_text(f"#!/usr/bin/env {python}\n{CALLS}")
        script.chmod(0o755)
        for command in ([python, "main.py"], [python, "-c", CALLS], [python, "-S", "-E", "main.py"],
                        ["env", python, "main.py"], [script], ["sh", "-c", "exec \"$0\" main.py", python],
                        ["setpriv", "--nnp", "nice", python, "main.py"]):
            all_called(t, command)
        with open(t.dir / "main.py", encoding="utf-8") as text:
            all_called(t, [python], stdin=text)
        all_called(t, [python, "again.py"], calls=2)


def test_after_many_other_images(t):
    shelf(t)
    (t.dir / "many.sh").write_text('[ $1 -lt 50 ] && exec sh many.sh $(($1 + 1)) "$2"\nexec "$2" main.py\n')
    for python in few(t)[:2]:
        all_called(t, ["sh", "many.sh", "0", python])


def test_an_isolated_interpreter(t):
    shelf(t)
    text = f"import sys; sys.path.insert(0, {str(t.dir)!r})\n{CALLS}"
    for python in few(t):
        all_called(t, [python, "-S", "-I", "-c", text])


def test_an_interpreter_of_a_virtual_environment(t):
    shelf(t)
    for i, python in enumerate(p for p in few(t) if ".cache" not in p):
        subprocess.run([python, "-m", "venv", "--without-pip", t.dir / f"venv{i}"], check=True)
        all_called(t, [t.dir / f"venv{i}" / "bin" / "python", "main.py"])


def test_packages_that_take_long(t):
    """It is asked while they are imported, and once more where they are not over in time."""
    shelf(t)
    site = t.dir / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text("import time\nfor _ in range(60): time.sleep(.01)\n")
    for python in few(t):
        all_called(t, [python, "main.py"], env={**os.environ, "PYTHONPATH": str(site)})


def test_a_program_that_ends_is_the_same_as_without(t):
    for name, text in ENDS.items():
        (t.dir / f"{name}.py").write_text(text)
    for python in few(t):
        for name in ENDS:
            process = t.spawn([python, f"{name}.py"], stdin=subprocess.DEVNULL)
            plain = process.wait(), process.out.all(), process.err.all()
            status, out, err = t.wftrace("run", "-f", "shelf:call", "-o", t.dir / "spans", "--",
                                         python, f"{name}.py")
            own = [line for line in err if not line.startswith(("wftrace:", "calls:", "spans:", "ledger:"))]
            t.equal((status if status < 128 else 128 - status, out, own), plain, f"{python} {name}: {err}")


def by_code(python):
    """Whether functions are armed by their code, before there are any."""
    return minor(python) >= 12


MADE = Counter({"Box._Box__hidden": 1, "Box.ask": 1, "Box.fixed": 1, "Box.of_class": 1, "Box.plain": 1, "Box.size": 1,
                "either": 1, "first": 1, "outer.<locals>.inner": 2})


def test_the_first_call_of_a_function_of_the_program_itself(t):
    shutil.copy(PROGRAMS / "made.py", t.dir)
    text = (t.dir / "made.py").read_text()
    rules = ["__main__:first(n=arg.n)", "made.py:Box.*", "made:outer.<locals>.inner", "__main__:either"]
    for python in filter(by_code, interpreters()):
        for command in ([python, "made.py"], [python, "-m", "made"], [python, "-c", text]):
            here = [rule.replace("made.py:", "__main__:").replace("made:", "__main__:") for rule in rules]
            trace, status, _ = run(t, command, *(here if "-c" in command else rules))
            t.equal(status, 0, f"{command}: {trace.stderr}")
            t.equal(Counter({name.partition(".")[2]: n for name, n in trace.counts().items()}), MADE,
                    f"{command}: {trace.stderr}")
            t.equal([span.attr("n") for span in trace.named("__main__.first")], [0], f"{command}")


def test_before_3_12_a_function_of_the_program_is_found_once_it_is_there(t):
    (t.dir / "own.py").write_text("import time\ndef own():\n    pass\nfor _ in range(40):\n    own()\n    time.sleep(.05)\n")
    for python in [p for p in few(t) if not by_code(p)]:
        trace, status, _ = run(t, [python, "own.py"], "__main__:own")
        t.true(status == 0 and 20 < trace.counts()["__main__.own"] <= 40, f"{python}: {trace.counts()} {trace.stderr}")


ITSELF = """def decorate(f):
    def wrapper(*arguments):
        return f(*arguments)
    return wrapper
def call(n):
    return n
@decorate
def decorated(n):
    return n
def again(n):
    return n
call(0), decorated(0), again(0)
again = decorate(again)
again(1)
"""
USES = "import itself\nfor n in range(3):\n    itself.call(n), itself.decorated(n), itself.again(n)\n"


def test_calls_while_a_module_is_imported(t):
    """Of functions whose name means what their `def` makes; others count from the end of the import on, once."""
    (t.dir / "itself.py").write_text(ITSELF)
    writes = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for python in interpreters():
        for _ in range(2):  # from the source, and compiled
            trace, _, _ = run(t, [python, "-c", USES], "itself:call", "itself:decorated", "itself:again", env=writes)
            want = (4, 3, 5) if by_code(python) else (3, 3, 3)
            got = tuple(trace.counts()["itself." + name] for name in ("call", "decorated", "again"))
            t.equal(got, want, f"{python}: {trace.stderr}")


def test_a_module_with_many_names(t):
    (t.dir / "many.py").write_text("".join(f"def f{n}(a=1): return {n + 1000}\nf{n}()\n" for n in range(300)))
    for python in filter(by_code, few(t)):
        trace, _, _ = run(t, [python, "-c", "import many"], "many:f*")
        t.equal(trace.counts(), Counter({f"many.f{n}": 1 for n in range(300)}), f"{python}: {trace.stderr[:3]}")


def caught_waiting(t, python):
    """(wftrace, which is stopped, and the PID of its command, which waits for it)."""
    for _ in range(20):
        tracer = t.spawn([t.wftrace_path(), "run", "-f", "shelf:call", "-o", t.dir / "spans", "--", python, "main.py"])
        while tracer.alive():
            child = next(iter(t.children_of(tracer.pid)), 0)
            if child and "memfd:wftrace" in text_of(f"/proc/{child}/maps"):
                break
        tracer.signal(signal.SIGSTOP)
        time.sleep(0.2)
        if tracer.alive() and os.path.exists(f"/proc/{child}/maps") and not tracer.out.lines:
            return tracer, child
        tracer.signal(signal.SIGCONT)
        tracer.wait()
    raise Failure("it was never caught while it waited")


def text_of(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def test_a_program_goes_on_where_its_tracer_is_killed(t):
    shelf(t)
    for python in few(t):
        tracer, child = caught_waiting(t, python)
        begun = time.monotonic()
        tracer.signal(signal.SIGKILL)
        t.equal(tracer.out.wait(lambda line: line == "called", 8), "called", f"{python}: goes on")
        t.true(time.monotonic() - begun < 6, f"{python}: it was held for {time.monotonic() - begun:.1f} s")
        t.wait(lambda: not os.path.exists(f"/proc/{child}") or "Z" in text_of(f"/proc/{child}/stat"), "its end")
        t.equal(tracer.err.all(), [line for line in tracer.err.lines if line.startswith("wftrace:")], python)


def test_a_command_that_stands_still_goes_on_where_its_tracer_is_killed(t):
    """At its entry point, after an exec, or where its interpreter is up."""
    shelf(t)
    caught = 0
    for _ in range(12):
        tracer = t.spawn([t.wftrace_path(), "run", "-f", "shelf:call", "-o", t.dir / "spans", "--",
                          "env", "nice", "env", sys.executable, "main.py"])
        child = 0
        while tracer.alive() and not child:
            child = next((pid for pid in t.children_of(tracer.pid) if "\nState:\tT" in text_of(f"/proc/{pid}/status")), 0)
        tracer.signal(signal.SIGKILL)
        t.equal(tracer.out.wait(lambda line: line == "called", 8), "called", f"goes on: {tracer.err.lines}")
        caught += child > 0
    t.true(caught > 3, f"it was stopped {caught} times")


def test_a_command_goes_on_where_its_trace_ends_before_it(t):
    """It executes itself all the time, so that one of them is about to stop when nobody waits for that any more."""
    (t.dir / "again.sh").write_text('[ $1 -gt 200 ] || exec sh again.sh $(($1 + 1))\nexit 4\n')
    for duration in ("50ms", "90ms", "130ms", "170ms"):
        status, _, err = t.wftrace("run", "-f", "shelf:call", "--duration", duration, "-o", t.dir / "spans", "--",
                                   "sh", "again.sh", "0", timeout=30)
        t.equal(status, 4, f"{duration}: {err}")


def test_ctrl_c_ends_a_program_that_waits(t):
    shelf(t)
    for python in interpreters():
        tracer, child = caught_waiting(t, python)
        os.kill(child, signal.SIGINT)
        t.wait(lambda pid=child: "\nState:\tZ" in text_of(f"/proc/{pid}/status"), "its end", 3)
        tracer.signal(signal.SIGCONT)
        t.equal((tracer.wait(), tracer.out.all()), (128 + signal.SIGINT, []), python)
        t.true("KeyboardInterrupt" in tracer.err.all(), f"{python}: {tracer.err.lines}")


def test_no_inject_leaves_the_command_alone(t):
    shelf(t)
    status, out, err = t.wftrace("run", "--no-inject", "-f", "shelf:call", "--", sys.executable, "main.py")
    t.equal((status, out), (125, []), "status and output")
    t.true(any("--no-inject" in line for line in err), err)
    status, out, err = t.wftrace("run", "--no-inject", "-f", "PyList_New", "-o", t.dir / "spans", "--",
                                 sys.executable, "main.py")
    t.equal((status, out), (0, ["called"]), f"{err}")


for _test in [v for n, v in list(vars(sys.modules[__name__]).items()) if n.startswith("test_")]:
    _test.deadline = 240
