# SPDX-License-Identifier: Apache-2.0
"""Throughput that a real PostgreSQL loses under its shipped profile."""
import re
import statistics

import postgres
from load import receiver
from workshop import Failure

ROWS = ("overhead.pgbench", "overhead.pgbench_select")
SCALE, CLIENTS = 10, 4
SETTINGS = {"fsync": "on", "synchronous_commit": "on", "shared_buffers": "256MB"}


def run_pgbench(shop, server, *arguments):
    process = shop.spawn([postgres.BIN / "pgbench", *arguments, "-h", server.directory, "-U",
                          server.user.pw_name, "postgres"])
    if process.wait(600):
        raise Failure("pgbench failed: " + "; ".join(process.err.all()[-3:]))
    return process.out.all()


def rate(shop, server, seconds, *options):
    """Transactions a second of one window, without the connecting."""
    said = "\n".join(run_pgbench(shop, server, "-n", "-c", str(CLIENTS), "-j", "2", "-T", str(seconds), *options))
    return float(re.search(r"^tps = ([\d.]+)", said, re.M)[1])


def traced_rate(shop, server, url, seconds, *options):
    tracer = shop.trace([server.process.pid], [], "--profile", "postgresql", "--to", url, pinned=False)
    tps = rate(shop, server, seconds, *options)
    ledger = tracer.stop(check=False).ledger
    if not ledger["balanced"] or not ledger["entries"]:
        raise Failure(f"nothing was traced, or the ledger is off: {ledger.raw}")
    return tps, ledger["entries"]


def compare(shop, server, url, pairs, seconds, *options):
    """(median loss in percent, how): windows without and with, in turns, each first as often."""
    losses, rates, spans = [], [], 0
    for i in range(pairs):
        if i % 2:
            with_, spans = traced_rate(shop, server, url, seconds, *options)
            without = rate(shop, server, seconds, *options)
        else:
            without = rate(shop, server, seconds, *options)
            with_, spans = traced_rate(shop, server, url, seconds, *options)
        losses.append(100 * (1 - with_ / without))
        rates.append(without)
    told = " ".join(f"{loss:.1f}" for loss in sorted(losses))
    return (round(statistics.median(losses), 2),
            f"median of {pairs} pairs of {seconds} s windows (all: {told}), {statistics.median(rates):.0f} tps "
            f"untraced, {spans / seconds:.0f} spans/s, {CLIENTS} clients, scale {SCALE}, gzip OTLP/http")


def measure(shop):
    postgres.SETTINGS.update(SETTINGS)
    server = postgres.Server(shop)
    run_pgbench(shop, server, "-i", "-q", "-s", str(SCALE))
    _, url = receiver(shop)
    rate(shop, server, 5)  # warm
    pairs, seconds = (4, 5) if shop.quick else (10, 15)
    value, how = compare(shop, server, url, pairs, seconds)
    yield "overhead.pgbench", value, f"TPC-B, fsync on, {how}"
    rate(shop, server, 3, "-S")
    value, how = compare(shop, server, url, max(2, pairs // 2), max(3, seconds // 3), "-S")
    yield "overhead.pgbench_select", value, f"select only, {how}"
    server.stop()
