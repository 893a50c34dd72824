# SPDX-License-Identifier: Apache-2.0
"""wftrace itself gets no memory, once or from some point on: it ends well, and the target is unharmed."""
import json
import os

from probes import probed

TRIO = ["-f", "tr_outer", "-f", "tr_mid", "-f", "tr_leaf"]
CHECKED = 8  # places of each command and mode that `make check` meets; a soak meets all


class Sweep:
    """Runs of one command, each with another place without memory."""

    def __init__(self, t, statuses, stdin=os.devnull):
        self.t, self.statuses, self.stdin = t, statuses, stdin
        self.library = t.build("nomem.c", flags=("-O1", "-fPIC", "-shared", "-fno-builtin", "-g0"), name="nomem.so")
        self.count = t.dir / "places"

    def run(self, args, place, lasting):
        wrap = ["env", f"LD_PRELOAD={self.library}", f"NOMEM_COUNT={self.count}", f"NOMEM_AT={place}",
                f"NOMEM_ALL={int(lasting)}"]
        with open(self.stdin, "rb") as stdin:
            result = self.t.wftrace(*args, wrap=wrap, timeout=40, stdin=stdin)
        self.t.forget_processes()
        return result

    def places(self):
        """Places of the last run, from early to late."""
        total = int(self.count.read_text())
        some = total if self.t.soak else CHECKED
        return [1 + i * total // some for i in range(some)]

    def check(self, args, what, result, complete):
        """One clear line and a right status, or a complete result."""
        status, out, err = result
        said = "\n".join(err)
        self.t.true(status in self.statuses, f"{what}: status {status}, {said!r}")
        if status == 0:
            complete(what, out, err)
        else:
            ours = [line for line in err if line.startswith("wftrace: ") and not line.startswith("wftrace: tracing")]
            self.t.true(len(ours) == 1, f"{what}: status {status} and not one line: {said!r}")

    def over(self, args, complete, after=lambda what: None):
        plain = self.run(args, 0, False)
        self.t.equal(plain[0], 0, f"status with enough memory, after {plain[2]}")
        complete("enough memory", plain[1], plain[2])
        for place in self.places():
            for lasting in (False, True):
                what = f"{args[0]}, no memory {'from' if lasting else 'at'} place {place}{' on' if lasting else ''}"
                self.check(args, what, self.run(args, place, lasting), complete)
                after(what)


def same_functions(t):
    """A check that every complete list is the first one; what a call costs is measured anew."""
    first = []

    def check(what, out, _):
        said = [{key: value for key, value in json.loads(line).items() if "cost" not in key} for line in out]
        first[:] = first or [said]
        t.equal(said, first[0], f"{what}: functions")

    return check


def balanced(t, ledger):
    def check(what, *_):
        t.true(json.loads(ledger.read_text())["balanced"], f"{what}: the ledger does not balance")
        ledger.unlink()

    return check


def test_list_without_memory(t):
    t.need_wftrace()
    Sweep(t, (0, 1, 3)).over(["list", "-x", t.build("trio.c"), "tr_*", "--json"], same_functions(t))


def test_replay_without_memory(t):
    t.need_wftrace()
    target = t.start([t.build("trio.c"), "20"])
    recording, ledger = t.dir / "recording", t.dir / "ledger.json"
    tracer = t.keep_tracer([t.wftrace_path(), "record", "-p", target.target_pid, *TRIO, "-o", recording,
                            "--ledger", ledger], ledger)
    target.go()
    target.finish()
    tracer.stop()
    Sweep(t, (0, 1)).over(["replay", recording, "--to", "file:-", "--ledger", ledger], balanced(t, ledger))


def test_attach_without_memory(t):
    t.need_wftrace()
    program = t.build("busy.c")
    target = t.start([program, "4"])
    target.go()
    ledger = t.dir / "ledger.json"

    def unharmed(what):
        before = t.ask(target, "count")
        t.equal(probed(target.target_pid, program), [], f"{what}: file offsets with a probe left behind")
        t.wait(lambda: t.ask(target, "count") > before, f"{what}: the target goes on")

    args = ["attach", "-p", target.target_pid, *TRIO, "--json", "-d", "100ms", "--ledger", ledger]
    Sweep(t, (0, 1, 3)).over(args, balanced(t, ledger), unharmed)
    target.send("stop")
    t.equal(target.finish()[0][-1], "wrong 0", "results")


def test_run_without_memory(t):
    t.need_wftrace()
    program = t.build("trio.c")
    ledger = t.dir / "ledger.json"
    args = ["run", *TRIO, "-o", t.dir / "spans", "--ledger", ledger, "--", program, "3"]
    answer = t.dir / "answer"
    answer.write_text("go\n")

    def complete(what, out, _):
        t.equal(out[-1:], ["round 0 total 12"], f"{what}: what the command said")

    Sweep(t, (0, 1, 125), answer).over(args, complete)


for test in (test_list_without_memory, test_replay_without_memory, test_attach_without_memory, test_run_without_memory):
    test.deadline = 180
