# SPDX-License-Identifier: Apache-2.0
"""Python processes that traced ones start: by fork, and as interpreters of their own."""
import json
import os
import signal
import sys
import threading
from collections import Counter

from harness import PROGRAMS
from shop import few, newest, oldest, tell

RULE = ["__main__:work(n=arg.n)"]
ENOUGH = 20  # spans of a child
WAYS = ("exec", "process-fork", "process-spawn", "process-forkserver", "pool-fork", "pool-spawn")


class Watch:
    """Tells each child when enough of its spans were written to a file of JSON lines."""

    def __init__(self, path):
        self.path, self.counts, self.over = path, Counter(), threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def watch(self):
        offset = 0
        while not self.over.wait(0.1):
            if not self.path.exists():
                continue
            with open(self.path, "rb") as file:
                file.seek(offset)
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    offset += len(line)
                    self.take(json.loads(line))

    def take(self, line):
        pid = line.get("pid")
        self.counts[pid] += line.get("name") == "__main__.work"
        if self.counts[pid] == ENOUGH:
            os.kill(pid, signal.SIGUSR1)


def test_every_way_to_start_another_interpreter(t):
    for python in few(t):
        target = t.start([python, PROGRAMS / "spawner.py"])
        tracer = t.attach(target, RULE)
        with Watch(tracer.spans):
            started = {way: int(tell(target, way)) for way in WAYS}
        tell(target, "none")
        target.go("end")
        t.equal((target.finish()[1], target.err.all()), (0, []), f"{python}: status and stderr")
        spans = tracer.stop()
        counts = {way: sum(s.pid == pid for s in spans.spans) for way, pid in started.items()}
        t.true(all(n >= ENOUGH for n in counts.values()), f"{python}: spans of each child: {counts} {spans.stderr}")
        t.true(all(s.attr("n") == s.pid for s in spans.spans), f"{python}: whose they are")


def test_children_are_left_alone_on_request(t):
    target = t.start([newest(), PROGRAMS / "spawner.py"], env={**os.environ, "SPAWNER_PATIENCE": "1"})
    tracer = t.attach(target, RULE, "--no-follow")
    child = int(tell(target, "exec"))
    t.equal(sum(s.pid == child for s in tracer.stop(check=False).spans), 0, "spans of the child")


def test_run_a_python_program(t):
    for python in few(t):
        path, ledger = t.dir / "spans.jsonl", t.dir / "run.json"
        with Watch(path) as watch:
            status, out, err = t.wftrace("run", "-f", RULE[0], "--json", "-o", path, "--ledger", ledger, "--", python,
                                         PROGRAMS / "spawner.py", "worker", timeout=100)
        t.equal((status, out), (0, []), f"{python}: {err}")
        t.true(sum(watch.counts.values()) >= ENOUGH, f"{python}: {watch.counts}; {err}")
        path.unlink()


def test_run_says_what_was_not_found(t):
    status, _, err = t.wftrace("run", "-f", "__main__:wrok", "-o", t.dir / "out", "--", oldest(),
                               PROGRAMS / "spawner.py", "worker", env={**os.environ, "SPAWNER_PATIENCE": "1"})
    t.equal(status, 0, "\n".join(err))
    t.true(any("wrok" in line and "nothing fitted" in line for line in err), f"it is told: {err}")


for _test in [v for n, v in list(vars(sys.modules[__name__]).items()) if n.startswith("test_")]:
    _test.deadline = 400
