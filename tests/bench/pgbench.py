# SPDX-License-Identifier: Apache-2.0
"""Throughput that a real PostgreSQL loses under its shipped profile."""
import re
from pathlib import Path

import postgres
import priority
from harness import ROOT
from load import receiver
from row import Group
from window import Windows, cpu_seconds
from workshop import Failure, probe_offsets

SCALE, CLIENTS = 10, 2
PROBES = "statement__status|query__(?:plan|execute)__(?:start|done)"  # those of the spans
LEFT_OUT = r"(?m)^  - rule: (?:parse|rewrite)\n(?:    .*\n)+"
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
        before, processes = cpu_seconds(server.process.pid), len(server.pids())
        said = "\n".join(run_pgbench(shop, server, "-n", "-c", str(CLIENTS), "-T", str(seconds), *options))
        self.tps = float(re.search(r"^tps = ([\d.]+)", said, re.M)[1])
        self.count = int(re.search(r"actually processed: (\d+)", said)[1])
        # when the backends were waited for, their time is in the postmaster's account of its children
        shop.wait(lambda: len(server.pids()) <= processes, "the backends to end")
        self.server_us = 1e6 * (cpu_seconds(server.process.pid) - before) / self.count
        self.tracer_us = self.spans = 0


def profile(shop):
    """The shipped one with the spans that the row counts: query, plan and execute."""
    text, left_out = re.subn(LEFT_OUT, "", (ROOT / "profiles/postgresql.yaml").read_text())
    if left_out != 2:
        raise Failure("the shipped profile has no rules 'parse' and 'rewrite' to leave out")
    path = shop.dir / "postgresql.yaml"
    path.write_text(text)
    return path


def traced_window(shop, server, url, seconds, *options):
    tracer = shop.trace([server.process.pid], [], "--profile", profile(shop), "--to", url, pinned=False)
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
    offsets = probe_offsets(server.binary, "postgresql", PROBES)
    with shop.empty_at(0, server.binary, "entry", offsets):
        return Window(shop, server, seconds, *options)


class Series(Windows):
    """Windows without anything, with wftrace and with empty programs, in turns."""

    def __init__(self, shop, server, url, rounds, seconds, *options):
        makers = {"plain": lambda: Window(shop, server, seconds, *options),
                  "traced": lambda: traced_window(shop, server, url, seconds, *options),
                  "empty": lambda: empty_window(shop, server, seconds, *options)}
        super().__init__(*makers)
        for i in range(rounds):
            for name in list(makers) if i % 2 else reversed(makers):
                self.windows[name].append(makers[name]())

    def describe(self):
        intervals = [f"{who} {low:.1f} to {high:.1f}" for who in ("traced", "empty")
                     for low, high in [self.interval(who)]]
        return (f"medians of {len(self.windows['plain'])} rounds, 95 % intervals: {', '.join(intervals)}; empty "
                f"programs on the same probes lose {self.loss('empty'):.1f} %; {CLIENTS} clients, scale {SCALE}, "
                f"{self.median('plain', 'tps'):.0f} tps untraced, {self.median('traced', 'spans'):.0f} calls and "
                f"events a transaction, OTLP/http; CPU time of a transaction in the server "
                f"{self.median('plain', 'server_us'):.0f} us untraced, {self.median('empty', 'server_us'):.0f} with "
                f"empty programs, {self.median('traced', 'server_us'):.0f} traced, and "
                f"{self.median('traced', 'tracer_us'):.0f} in wftrace")

    def over_empty(self):
        return round(self.added_us("traced") / max(self.added_us("empty"), 1e-9), 2)


def group(name, what, rounds, seconds, *options):
    over_empty = f"{name}_vs_empty"

    def measure(shop):
        postgres.SETTINGS.update(SETTINGS)
        server = postgres.Server(shop)
        run_pgbench(shop, server, "-i", "-q", "-s", str(SCALE))
        _, url = receiver(shop)
        Window(shop, server, 3, *options)  # warm
        series = Series(shop, server, url, shop.rounds(rounds), seconds, *options)
        yield name, series.loss("traced"), f"{what}, {series.describe()}"
        yield over_empty, series.over_empty(), "CPU time added to a transaction, over what the traps alone add"
        server.stop()
    return Group((name, over_empty), 15 + 3 * rounds * (seconds + 1), measure)


GROUPS = (group("overhead.pgbench", "TPC-B, fsync on", 24, 4),
          group("overhead.pgbench_select", "select only", 12, 4, "-S"))
