# SPDX-License-Identifier: Apache-2.0
"""Throughput that a real PostgreSQL loses under its shipped profile."""
import math
import os
import re
import statistics
from pathlib import Path

import postgres
import priority
from load import receiver
from row import Group
from workshop import Failure, probe_offsets

SCALE, CLIENTS = 10, 2
BAR = 3  # percent
PROBES = "query__(?:|parse__|rewrite__|plan__|execute__)(?:start|done)"  # those that the profile uses
SETTINGS = {"fsync": "on", "synchronous_commit": "on", "shared_buffers": "256MB"}


def run_pgbench(shop, server, *arguments):
    process = shop.spawn([postgres.BIN / "pgbench", *arguments, "-h", server.directory, "-U",
                          server.user.pw_name, "postgres"])
    wanted = CLIENTS if "-c" in arguments else 1
    shop.wait(lambda: not process.alive() or sum(map(is_backend, server.pids())) >= wanted, "backends")
    priority.share(server.pids())
    if process.wait(600):
        raise Failure("pgbench failed: " + "; ".join(process.err.all()[-3:]))
    return process.out.all()


def is_backend(pid):
    """A process that serves a client says so in its title."""
    try:
        return b"[local]" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


class Window:
    """One run of pgbench: transactions a second without the connecting, CPU time of each in the server."""

    def __init__(self, shop, server, seconds, *options):
        before = cpu_seconds(server.process.pid)
        said = "\n".join(run_pgbench(shop, server, "-n", "-c", str(CLIENTS), "-T", str(seconds), *options))
        self.tps = float(re.search(r"^tps = ([\d.]+)", said, re.M)[1])
        self.count = int(re.search(r"actually processed: (\d+)", said)[1])
        # the backends have ended, so their time is in the postmaster's account of its children
        shop.wait(lambda: not any(is_backend(pid) for pid in server.pids()), "the backends to end")
        self.server_us = 1e6 * (cpu_seconds(server.process.pid) - before) / self.count
        self.tracer_us = self.spans = 0


def cpu_seconds(pid):
    """Of a process and those of its children that were waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def traced_window(shop, server, url, seconds, *options):
    tracer = shop.trace([server.process.pid], [], "--profile", "postgresql", "--to", url, pinned=False)
    before = cpu_seconds(tracer.pid)
    window = Window(shop, server, seconds, *options)
    window.tracer_us = 1e6 * (cpu_seconds(tracer.pid) - before) / window.count
    ledger = tracer.stop(check=False).ledger
    if not ledger["balanced"] or not ledger["entries"]:
        raise Failure(f"nothing was traced, or the ledger is off: {ledger.raw}")
    window.spans = ledger["entries"] / window.count
    return window


def empty_window(shop, server, seconds, *options):
    """Programs that do nothing on the same probes: what the traps alone cost."""
    offsets = probe_offsets(postgres.BIN / "postgres", "postgresql", PROBES)
    with shop.empty_at(0, postgres.BIN / "postgres", "entry", offsets):
        return Window(shop, server, seconds, *options)


class Series:
    """Windows without anything, with wftrace and perhaps with empty programs, in turns."""

    def __init__(self, shop, server, url, rounds, seconds, with_empty, *options):
        makers = {"plain": lambda: Window(shop, server, seconds, *options),
                  "traced": lambda: traced_window(shop, server, url, seconds, *options)}
        if with_empty:
            makers["empty"] = lambda: empty_window(shop, server, seconds, *options)
        self.windows = {name: [] for name in makers}
        for i in range(rounds):
            for name in list(makers) if i % 2 else reversed(makers):
                self.windows[name].append(makers[name]())

    def median(self, who, what):
        return statistics.median(getattr(window, what) for window in self.windows[who])

    def losses(self, who):
        """Percent of the transactions, sorted, each against the window of its own round."""
        return sorted(100 * (1 - one.tps / plain.tps)
                      for one, plain in zip(self.windows[who], self.windows["plain"]))

    def interval(self):
        """Where the median of the losses lies in 95 of 100 cases, by their order alone."""
        losses = self.losses("traced")
        count = len(losses)
        cut = max(0, math.floor(count / 2 - 0.98 * math.sqrt(count)))
        return losses[cut], losses[count - 1 - cut]

    def describe(self):
        low, high = self.interval()
        empty = ""
        if "empty" in self.windows:
            empty = (f"empty programs on the same probes lose {statistics.median(self.losses('empty')):.1f} % "
                     f"and take {self.median('empty', 'server_us'):.0f} us; ")
        return (f"median of {len(self.windows['plain'])} pairs of windows, 95 % interval {low:.1f} to {high:.1f}; "
                f"{empty}{CLIENTS} clients, scale {SCALE}, {self.median('plain', 'tps'):.0f} tps untraced, "
                f"{self.median('traced', 'spans'):.0f} spans a transaction, gzip OTLP/http; CPU time of a "
                f"transaction in the server {self.median('plain', 'server_us'):.0f} us untraced, "
                f"{self.median('traced', 'server_us'):.0f} traced, and {self.median('traced', 'tracer_us'):.0f} "
                "in wftrace")

    def value(self):
        return round(statistics.median(self.losses("traced")), 2)

    def is_unsure(self):
        """The disk is too noisy to tell: the bar lies within the interval."""
        low, high = self.interval()
        return low <= BAR <= high


def group(name, what, rounds, seconds, with_empty, *options):
    def measure(shop):
        postgres.SETTINGS.update(SETTINGS)
        server = postgres.Server(shop)
        run_pgbench(shop, server, "-i", "-q", "-s", str(SCALE))
        _, url = receiver(shop)
        Window(shop, server, 3, *options)  # warm
        series = Series(shop, server, url, shop.rounds(rounds), seconds, with_empty, *options)
        yield name, series.value(), f"{what}, {series.describe()}", series.is_unsure()
        server.stop()
    return Group((name,), 15 + (3 if with_empty else 2) * rounds * (seconds + 1), measure)


GROUPS = (group("overhead.pgbench", "TPC-B, fsync on", 40, 4, False),
          group("overhead.pgbench_select", "select only", 6, 4, True, "-S"))
