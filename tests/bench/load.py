# SPDX-License-Identifier: Apache-2.0
"""Many spans a second for a minute: what is lost on the way to a receiver."""
import signal

from row import Group
from spans import Ledger
from workshop import Failure

RATE, THREADS = 200_000, 2
SECONDS, QUICK_SECONDS = 60, 10
LOSSES = ("state_full", "ring_full", "records.unknown_span_id", "records.malformed", "records.batch_full",
          "records.lost_before", "records.lost_handover")


def count_lost(ledger, calls):
    """{name: spans} of every loss that has a name, and of what has none."""
    lost = {name: ledger[name] for name in LOSSES}
    lost["calls not seen"] = calls - ledger["entries"]
    for name, off in ledger.raw["off"].items():
        lost[f"{name} off"] = abs(off)
    for sink in ledger.raw["sinks"]:
        lost.update({f"{sink['name']} {name}": n for name, n in sink.items() if name.startswith("lost_")})
    return {name: n for name, n in lost.items() if n}


def receiver(shop):
    """(process, URL) of a receiver that only counts."""
    process = shop.said_ready(shop.spawn([shop.tool("receiver")]), "the receiver")
    return process, f"http://127.0.0.1:{process.out.lines[0].split()[1]}"


def stop(tracer):
    """Its ledger; where spans were lost its status is 1."""
    tracer.signal(signal.SIGINT)
    status = tracer.wait(60)
    if status not in (0, 1):
        raise Failure(f"wftrace ended with {status}\n" + "\n".join(tracer.describe()))
    return Ledger(tracer.read_ledger())


def measure(shop):
    seconds = QUICK_SECONDS if shop.quick else SECONDS
    _, url = receiver(shop)
    target = shop.start([shop.tool("load", "shape.S", libs=["-lpthread"]), THREADS, RATE, seconds])
    tracer = shop.trace(target, ["text(value=arg1:str)"], "--to", url, pinned=False)
    target.go()
    line = target.out.wait(lambda text: text.startswith("calls "), seconds * 3 + 30)
    if line is None:
        raise Failure("the target never ended")
    calls = int(line.split()[1])
    ledger = stop(tracer)
    lost = count_lost(ledger, calls)
    exported = sum(sink["exported"] for sink in ledger.raw["sinks"])
    told = ", ".join(f"{name} {n}" for name, n in lost.items()) or "none"
    yield ("load.lost", sum(lost.values()),
           f"{RATE:,} calls/s of {THREADS} threads for {seconds} s, 20 bytes captured, gzip OTLP/http to a local "
           f"receiver: {calls:,} calls, {exported:,} exported, ledger "
           f"{'balanced' if ledger['balanced'] else 'NOT balanced'}; lost: {told}")


GROUPS = (Group(("load.lost",), 70, measure),)
