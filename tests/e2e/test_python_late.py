# SPDX-License-Identifier: Apache-2.0
"""What comes to a Python process after wftrace: modules, and with them what profiles require."""
import os
import sys
from collections import Counter

from harness import EXIT_NOTHING, wait_for
from shop import PROGRAMS, few, newest, oldest, tell

ENGINE = "def run(n):\n    return n\n"
PROFILE = "wftrace: 1\nprofile: depot\nrequires: {python: depot.engine%s}\nspans: [{function: [depot.engine:run, __main__:here]}]\n"


def packages(t, version="2.1"):
    """A package of that version, as modules of the program."""
    folder = t.dir / f"depot-{version}"
    (folder / "depot").mkdir(parents=True, exist_ok=True)
    (folder / "depot" / "__init__.py").write_text(
        f"from . import engine\nfrom .engine import run\n__version__ = '{version}'\n")
    (folder / "depot" / "engine.py").write_text(ENGINE)
    return {**os.environ, "PYTHONPATH": str(folder)}


def program(t, python, version="2.1"):
    return t.start([python, PROGRAMS / "latecomer.py"], env=packages(t, version))


def profile(t, version=""):
    path = t.dir / "depot.yaml"
    path.write_text(PROFILE % (f", version: '{version}'" if version else ""))
    return ["--profile", str(path)]


def said(lines, *words):
    return [line for line in lines if all(word in line for word in words)]


def test_a_module_that_is_imported_later(t):
    for python in few(t):
        target = program(t, python)
        tracer = t.attach(target, ["depot.engine:run", "depot.engine:runn"])
        tell(target, "load depot")
        spans = tracer.stop()
        t.equal(spans.counts(), {"depot.engine.run": 3}, python)
        t.equal((spans.ledger["python.late_armed"], spans.ledger["python.late_refused"]), (1, 1), python)
        t.true(said(spans.stderr, "tracing depot.engine:run from now on"), f"{python}: {spans.stderr}")
        t.true(said(spans.stderr, "not traced: depot.engine:runn", "did you mean run?"), f"{python}: {spans.stderr}")


def test_what_came_late_was_found_in_the_end(t):
    for python in few(t):
        status, _, err = t.wftrace("run", "-f", "depot.engine:run", "-f", "depot.engine:runn", "--json", "-o",
                                   t.dir / "out", "--", python, PROGRAMS / "latecomer.py", "depot.engine",
                                   env=packages(t))
        t.equal(status, 0, "\n".join(err))
        t.equal(len(said(err, "nothing fitted")), 1, f"{python}: {err}")
        t.equal(len(said(err, "nothing fitted", "engine:runn")), 1, f"{python}: {err}")


def test_an_agent_that_took_all_back_is_armed_again(t):
    """It saw no probes for too long, before they came or in spite of them; either way it is told, and mended."""
    for python in few(t):
        for when in ("now", "soon"):
            target = program(t, python)
            tell(target, "load depot")
            if when == "soon":
                tell(target, "lose soon")
            tracer = t.attach(target, ["depot.engine:run"])
            if when == "now":
                tell(target, "lose now")
            wait_for(lambda: said(tracer.err.lines, "had taken all back by itself"), f"{python}: it is said")
            wait_for(lambda: tell(target, "load depot") and "depot.engine.run" in tracer.spans.read_text(),
                     f"{python}: {when}: it is traced again")
            spans = tracer.stop()
            t.equal(spans.ledger["python.restored"], 1, f"{python}: {when}: {spans.stderr}")
            t.true(said(spans.stderr, "1 Python agents took all back"), f"{spans.stderr}")


def test_a_profile_waits_for_what_it_requires(t):
    for python in few(t):
        target = program(t, python)
        tracer = t.attach(target, [], *profile(t, ">=2,<3"))
        t.true(said(tracer.err.lines, "profile 'depot'", "no module depot.engine is imported"), f"{tracer.err.lines}")
        tell(target, "load depot")
        spans = tracer.stop()
        t.equal(spans.counts(), {"depot.engine.run": 3, "__main__.here": 1}, f"{python}: {spans.stderr}")


def test_a_profile_that_does_not_fit_is_not_used(t):
    for python in (oldest(), newest()):
        target = program(t, python)
        tell(target, "load depot")
        for options in ((), ("--strict",)):
            status, _, err = t.wftrace("attach", "-p", target.target_pid, "-d", "1s", *profile(t, ">=3"), *options)
            t.equal(status, EXIT_NOTHING, "\n".join(err))
            t.equal(len(said(err, "profile 'depot': depot.engine is of version 2.1, and >=3 is required")), 1, f"{err}")
        status, _, err = t.wftrace("attach", "-p", target.target_pid, "-d", "1s", *profile(t, ">=2"), "--strict")
        t.equal((status, said(err, "required")), (0, []), "\n".join(err))


def test_each_process_is_asked_for_itself(t):
    old, new = program(t, oldest(), "1.9"), program(t, oldest(), "2.2")
    for target in (old, new):
        tell(target, "load depot")
    tracer = t.attach(old, [], "-p", str(new.target_pid), *profile(t, "~=2.0"))
    for target in (old, new):
        tell(target, "load depot")
    spans = tracer.stop()
    t.equal(Counter(s.pid for s in spans.spans), {new.target_pid: 4}, f"{spans.stderr}")
    t.equal(len(said(spans.stderr, f"process {old.target_pid}", "depot.engine is of version 1.9")), 1, f"{spans.stderr}")


def test_a_profile_of_python_is_not_chosen_unasked(t):
    """Nobody goes into a process to find out."""
    target = program(t, newest())
    status, _, err = t.wftrace("attach", "-p", target.target_pid, "-d", "1s")
    t.equal(status, EXIT_NOTHING, "\n".join(err))


for _test in [v for n, v in list(vars(sys.modules[__name__]).items()) if n.startswith("test_")]:
    _test.deadline = 300
