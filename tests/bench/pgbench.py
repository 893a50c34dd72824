# SPDX-License-Identifier: Apache-2.0
"""Throughput that a real PostgreSQL loses under its shipped profile."""
import os
import re
import statistics
from pathlib import Path

import postgres
from load import receiver
from workshop import Failure, probe_offsets

ROWS = ("overhead.pgbench", "overhead.pgbench_select")
SCALE, CLIENTS = 10, 2
PROBES = "query__(?:|parse__|rewrite__|plan__|execute__)(?:start|done)"  # those that the profile uses
SETTINGS = {"fsync": "on", "synchronous_commit": "on", "shared_buffers": "256MB"}


def run_pgbench(shop, server, *arguments):
    process = shop.spawn([postgres.BIN / "pgbench", *arguments, "-h", server.directory, "-U",
                          server.user.pw_name, "postgres"])
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
    """Windows without anything, with wftrace and with empty programs, in turns."""

    def __init__(self, shop, server, url, rounds, seconds, *options):
        self.windows = {"plain": [], "traced": [], "empty": []}
        makers = [("plain", lambda: Window(shop, server, seconds, *options)),
                  ("traced", lambda: traced_window(shop, server, url, seconds, *options)),
                  ("empty", lambda: empty_window(shop, server, seconds, *options))]
        for i in range(rounds):
            for name, make in makers if i % 2 else reversed(makers):
                self.windows[name].append(make())

    def median(self, who, what):
        return statistics.median(getattr(window, what) for window in self.windows[who])

    def losses(self, who):
        """Percent of the transactions, sorted, each against the window of its own round."""
        return sorted(100 * (1 - one.tps / plain.tps)
                      for one, plain in zip(self.windows[who], self.windows["plain"]))

    def describe(self):
        told = " ".join(f"{loss:.1f}" for loss in self.losses("traced"))
        empty = statistics.median(self.losses("empty"))
        return (f"median of {len(self.windows['plain'])} pairs of windows (all: {told}); empty programs on the "
                f"same probes lose {empty:.1f} %; {CLIENTS} clients, scale {SCALE}, "
                f"{self.median('plain', 'tps'):.0f} tps untraced, {self.median('traced', 'spans'):.0f} spans a "
                f"transaction, gzip OTLP/http; CPU time of a transaction in the server "
                f"{self.median('plain', 'server_us'):.0f} us untraced, {self.median('empty', 'server_us'):.0f} with "
                f"empty programs, {self.median('traced', 'server_us'):.0f} traced, and "
                f"{self.median('traced', 'tracer_us'):.0f} in wftrace")

    def value(self):
        return round(statistics.median(self.losses("traced")), 2)


def measure(shop):
    postgres.SETTINGS.update(SETTINGS)
    server = postgres.Server(shop)
    run_pgbench(shop, server, "-i", "-q", "-s", str(SCALE))
    _, url = receiver(shop)
    Window(shop, server, 5)  # warm
    rounds, seconds = (4, 5) if shop.quick else (12, 12)
    series = Series(shop, server, url, rounds, seconds)
    yield "overhead.pgbench", series.value(), f"TPC-B, fsync on, {series.describe()}"
    Window(shop, server, 3, "-S")
    series = Series(shop, server, url, max(2, rounds // 3), max(3, seconds // 3), "-S")
    yield "overhead.pgbench_select", series.value(), f"select only, {series.describe()}"
    server.stop()
