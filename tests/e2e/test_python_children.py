# SPDX-License-Identifier: Apache-2.0
"""Python processes that traced ones start: by fork, and as interpreters of their own."""
import sys

from harness import PROGRAMS
from shop import few, newest, oldest, tell

RULE = ["__main__:work(n=arg.n)"]
WAYS = ("exec", "process-fork", "process-spawn", "process-forkserver", "pool-fork", "pool-spawn")


def test_every_way_to_start_another_interpreter(t):
    for python in few(t):
        target = t.start([python, PROGRAMS / "spawner.py"])
        tracer = t.attach(target, RULE)
        started = {way: int(tell(target, way)) for way in WAYS}
        tell(target, "none")
        target.go("end")
        t.equal((target.finish()[1], target.err.all()), (0, []), f"{python}: status and stderr")
        spans = tracer.stop()
        counts = {way: sum(s.pid == pid for s in spans.spans) for way, pid in started.items()}
        t.true(all(n >= 20 for n in counts.values()), f"{python}: spans of each child: {counts} {spans.stderr}")
        t.true(all(s.attr("n") == s.pid for s in spans.spans), f"{python}: whose they are")


def test_children_are_left_alone_on_request(t):
    target = t.start([newest(), PROGRAMS / "spawner.py"])
    tracer = t.attach(target, RULE, "--no-follow")
    child = int(tell(target, "exec"))
    t.equal(sum(s.pid == child for s in tracer.stop(check=False).spans), 0, "spans of the child")


def test_run_a_python_program(t):
    for python in few(t):
        path, ledger = t.dir / "spans.jsonl", t.dir / "run.json"
        status, out, err = t.wftrace("run", "-f", RULE[0], "--json", "-o", path, "--ledger", ledger, "--", python,
                                     PROGRAMS / "spawner.py", "worker")
        t.equal((status, out), (0, []), f"{python}: {err}")
        lines = [line for line in path.read_text().splitlines() if "__main__.work" in line]
        t.true(len(lines) >= 20, f"{python}: {len(lines)} spans; {err}")


def test_run_says_what_was_not_found(t):
    status, _, err = t.wftrace("run", "-f", "__main__:wrok", "-o", t.dir / "out", "--", oldest(),
                               PROGRAMS / "spawner.py", "worker")
    t.equal(status, 0, "\n".join(err))
    t.true(any("wrok" in line and "nothing fitted" in line for line in err), f"it is told: {err}")


for _test in [v for n, v in list(vars(sys.modules[__name__]).items()) if n.startswith("test_")]:
    _test.deadline = 400
