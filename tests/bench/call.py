# SPDX-License-Identifier: Apache-2.0
"""What a traced call costs, beside empty probes and beside bpftrace on the same functions."""
ROWS = ("call.full_vs_empty_pair", "call.string_vs_empty_pair", "call.full_vs_bpftrace",
        "call.endbr64_vs_bpftrace", "call.dropped_vs_empty_entry")
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


def measure_round(shop, target, path, best):
    best.take("nobody", "plain", "text", "guarded", "landed")
    with shop.empty(target, path, "pair", ("plain", "text")):
        best.take("pair", "plain", "text")
    with shop.empty(target, path, "entry", ("guarded",)):
        best.take("entry", "guarded")
    with shop.traced(target, RULES):
        best.take("wftrace", "plain", "text", "guarded", "landed")
    with shop.bpftrace(target, path, ("plain", "landed")):
        best.take("bpftrace", "plain", "landed")


def measure(shop):
    target, path = shop.target()
    best, rounds = Best(shop, target), shop.rounds(12)
    for _ in range(rounds):
        measure_round(shop, target, path, best)

    def row(name, ours, other, function, note=""):
        mine, theirs = best.added(ours, function), best.added(other, function)
        return name, round(mine / theirs, 3), f"{mine:.0f} ns over {theirs:.0f} ns{note}; best of {rounds} rounds"
    yield row("call.full_vs_empty_pair", "wftrace", "pair", "plain")
    yield row("call.string_vs_empty_pair", "wftrace", "pair", "text", ", 20 bytes captured")
    yield row("call.full_vs_bpftrace", "wftrace", "bpftrace", "plain")
    yield row("call.endbr64_vs_bpftrace", "wftrace", "bpftrace", "landed")
    yield row("call.dropped_vs_empty_entry", "wftrace", "entry", "guarded",
              ", a call that its rule's `when` drops in the kernel (there is no sampling yet)")
