# SPDX-License-Identifier: Apache-2.0
"""What a traced call costs, beside empty probes and beside bpftrace on the same functions."""
from row import Group
from workshop import Failure, Skip

RULES = ("plain", "text(value=arg1:str)", "guarded when arg2:i64 < 0", "landed")
CHEAP, STEPPED = 1000, 100  # calls of a batch: 1 to 2 ms, so that some of many are not disturbed


class Best:
    """The least time of a function under a contender, over all rounds."""

    def __init__(self, shop, target):
        self.shop, self.target, self.ns = shop, target, {}

    def take(self, who, *names):
        for name in names:
            slow = name == "landed" and who == "bpftrace"
            ns = self.shop.time_call(self.target, name, STEPPED if slow else CHEAP)
            self.ns[who, name] = min(ns, self.ns.get((who, name), ns))

    def added(self, who, name):
        """On top of the bare call."""
        return self.ns[who, name] - self.ns["nobody", name]


def contenders(shop, target, path):
    """Who attaches to which functions: (name, how, functions that are timed)."""
    yield "pair", lambda: shop.empty(target, path, "pair", ("plain", "text")), ("plain", "text")
    yield "entry", lambda: shop.empty(target, path, "entry", ("guarded",)), ("guarded",)
    yield "wftrace", lambda: shop.traced(target, RULES), ("plain", "text", "guarded", "landed")
    yield "bpftrace", lambda: shop.bpftrace(target, path, ("plain", "landed")), ("plain", "landed")


def measure_rounds(shop, target, path, best, rounds):
    """All in turns. Returns why, of contenders that failed and were left out from then on."""
    failed = {}
    for _ in range(rounds):
        best.take("nobody", "plain", "text", "guarded", "landed")
        for who, attach, names in contenders(shop, target, path):
            try:
                if who not in failed:
                    with attach():
                        best.take(who, *names)
            except (Failure, Skip) as e:
                failed[who] = e
    return failed


def measure(shop):
    target, path = shop.target()
    best, rounds = Best(shop, target), shop.rounds(24)
    failed = measure_rounds(shop, target, path, best, rounds)
    for name, (theirs, function, note) in ROWS.items():
        if "wftrace" in failed or theirs in failed:
            continue
        mine, other = best.added("wftrace", function), best.added(theirs, function)
        yield name, round(mine / other, 3), f"{mine:.0f} ns over {other:.0f} ns{note}; best of {rounds} rounds"
    for who, e in failed.items():
        raise Failure(f"{who}: {e}")


ROWS = {
    "call.full_vs_empty_pair": ("pair", "plain", ""),
    "call.string_vs_empty_pair": ("pair", "text", ", 20 bytes captured"),
    "call.full_vs_bpftrace": ("bpftrace", "plain", ""),
    "call.endbr64_vs_bpftrace": ("bpftrace", "landed", ""),
    "call.dropped_vs_empty_entry":
        ("entry", "guarded", ", a call that its rule's `when` drops in the kernel (there is no sampling yet)"),
}
GROUPS = (Group(tuple(ROWS), 60, measure),)
