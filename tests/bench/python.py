# SPDX-License-Identifier: Apache-2.0
"""What a traced Python function costs beside an empty probe, and what the others pay for it."""
import fcntl
import shutil
import signal
import statistics
import subprocess

from receiver import venv_python
from row import Group
from shop import interpreters, minor
from workshop import HERE, OUT, Failure, wait_for

RULES = ("__main__:Worker.chosen(text=arg.text, region=self.region)",
         "__main__:Worker.alone(text=arg.text, region=self.region)", "__main__:call")
COUNT, FEW = 1000, 100  # calls of a batch; of one that takes ten times as long
BATCHES, MANY = 64, 200  # of each look; where a call takes some tens of nanoseconds
LOOKS = 4  # times that batches are taken before, while and after wftrace is there
BYSTANDERS = ("unchosen", "raising")
OURS, THEIRS = ("chosen", "alone", *BYSTANDERS), ("alone", "spanned")
SDK = "opentelemetry-sdk"


def versions():
    """[(path, minor)]: the oldest and the newest, and the newest whose exceptions are announced for
    all functions, chosen or not."""
    found = [(path, minor(path)) for path in interpreters()]
    middle = [each for each in found if 12 <= each[1] <= 14][-1:]
    return sorted({found[0], found[-1], *middle}, key=lambda each: each[1])


def sdk_for(number):
    """OpenTelemetry's SDK for 3.number, in a folder below the build; fetched once."""
    folder = OUT / "bench" / f"sdk-3.{number}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{folder}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            part = folder.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            ran = subprocess.run([venv_python(OUT), "-m", "pip", "install", "-q", "--disable-pip-version-check",
                                  "--target", part, "--python-version", f"3.{number}", "--implementation", "cp",
                                  "--only-binary=:all:", SDK], capture_output=True, text=True, check=False)
            if ran.returncode:
                raise Failure(f"pip: {ran.stderr.strip()[-300:]}")
            part.rename(folder)
    return folder


class Version:
    """One interpreter's program, and the least time of a call under each contender."""

    def __init__(self, shop, path, number):
        self.shop, self.path, self.number, self.ns = shop, path, number, {}
        self.ratios = []  # of calls a second, after wftrace was there to before it came
        sdk = shop.dir / f"sdk-3.{number}"
        shutil.copytree(sdk_for(number), sdk)  # where interpreters with a root of their own see it too
        self.target = shop.start([path, shop.callee, shop.target_cpu])
        self.other = shop.start([path, shop.callee, shop.target_cpu, sdk])  # is never traced

    def take(self, who, *names):
        target = self.other if who == "sdk" else self.target
        for name in names:
            ns = self.shop.time_call(target, name, FEW if name == "spanned" else COUNT,
                                     MANY if name in BYSTANDERS else BATCHES)
            self.ns[who, name] = min(ns, self.ns.get((who, name), ns))

    def round(self):
        self.take("nobody", *OURS)
        self.take("sdk", *THEIRS)
        with self.shop.traced(self.target, RULES) as tracer:
            if tracer.functions != len(RULES):
                raise Failure(f"{tracer.functions} functions are traced, not {len(RULES)}")
            self.take("wftrace", *OURS)

    def idle(self):
        """After the tracer was killed, until the functions take themselves back."""
        tracer = self.shop.trace(self.target, RULES)
        tracer.signal(signal.SIGKILL)
        wait_for(lambda: not tracer.alive(), "the tracer to die")
        self.take("idle", "chosen")

    def leave(self):
        """In a process of its own, which no wftrace has been in before."""
        target = self.shop.start([self.path, self.shop.callee, self.shop.target_cpu])
        before = self.best(target)
        with self.shop.traced(target, RULES):
            self.best(target)
        self.ratios.append(before / self.best(target))
        target.finish()
        self.shop.forget_processes()

    def best(self, target):
        return min(self.shop.time_call(target, "chosen", COUNT, MANY) for _ in range(LOOKS))

    def after_detach(self):
        return statistics.median(self.ratios)

    def added(self, name, who="wftrace"):
        return self.ns[who, name] - self.ns["nobody", name]

    def slowdown(self, name):
        return self.ns["wftrace", name] / self.ns["nobody", name]

    def sdk_ns(self):
        return self.ns["sdk", "spanned"] - self.ns["sdk", "alone"]


def say(versions_, figures, unit=""):
    return ", ".join(f"3.{each.number} {figure:.3g}{unit}" for each, figure in zip(versions_, figures))


def rows(found, empty, rounds):
    behind = f"; best of {rounds} rounds"
    chosen = [each.added("chosen") / empty for each in found]
    alone = [each.added("alone") / empty for each in found]
    yield ("python.chosen", round(max(chosen), 3), f"the worst of {say(found, chosen)}: "
           f"{say(found, [each.added('chosen') for each in found], ' ns')} over {empty:.0f} ns, 20 and 9 bytes "
           f"captured{behind}")
    yield ("python.chosen_root", round(max(alone), 3), f"the worst of {say(found, alone)}: the same where each call "
           f"is a tree of its own, so that it is shown at its start too{behind}")
    for name, what in (("unchosen", "a function that is not traced"), ("raising", "one that raises")):
        slowdowns = [each.slowdown(name) for each in found]
        yield ("python.unchosen" + ("_raising" if name == "raising" else ""), round(max(slowdowns), 3),
               f"the worst of {say(found, slowdowns)}: {what}, of "
               f"{say(found, [each.ns['nobody', name] for each in found], ' ns')} untraced{behind}")
    idle = [each.added("chosen", "idle") for each in found]
    yield ("python.idle_ns", round(max(idle)), f"the worst of {say(found, idle, ' ns')}: added by a call after its "
           "tracer was killed, for 10 s")
    after = [each.after_detach() for each in found]
    yield ("python.after_detach", round(min(after), 3), f"the least of {say(found, after)}: calls a second once wftrace "
           f"has left, to those before it came; medians of {len(found[0].ratios)} processes")


def sdk_rows(found):
    for name, those in (("python.sdk_over_chosen", [each for each in found if each.number < 14]),
                        ("python.sdk_over_chosen_new", [each for each in found if each.number >= 14])):
        ratios = [each.sdk_ns() / each.added("chosen") for each in those]
        if those:
            yield (name, round(min(ratios), 2), f"the least of {say(those, ratios)}: {SDK}, batched and thrown away, "
                   f"{say(those, [each.sdk_ns() / 1000 for each in those], ' us')} a span of two attributes")


def measure(shop):
    shop.callee = shop.dir / "callee.py"
    shutil.copy(HERE / "callee.py", shop.callee)
    native, path = shop.target()
    found = [Version(shop, *each) for each in versions()]
    bare = probed = float("inf")
    rounds = shop.rounds(16)
    for _ in range(rounds):
        bare = min(bare, shop.time_call(native, "nop_entry", COUNT, BATCHES))
        with shop.empty(native, path, "entry", ("nop_entry",)):
            probed = min(probed, shop.time_call(native, "nop_entry", COUNT, BATCHES))
        for each in found:
            each.round()
            each.leave()
    for each in found:
        each.idle()
    yield from rows(found, probed - bare, rounds)
    yield from sdk_rows(found)


GROUPS = (Group(("python.chosen", "python.chosen_root", "python.unchosen", "python.unchosen_raising", "python.idle_ns",
                 "python.after_detach", "python.sdk_over_chosen", "python.sdk_over_chosen_new"), 150, measure),)
