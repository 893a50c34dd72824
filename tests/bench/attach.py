# SPDX-License-Identifier: Apache-2.0
"""How long wftrace takes to attach to many functions, symbols and plan included, and to leave."""
import signal
import time

from library import LARGE, MANY, holder

ROWS = ("attach.1000_s", "attach.detach_1000_s", "attach.10000_s", "attach.detach_10000_s")


def once(shop, target, rules):
    """(seconds to armed, seconds to gone, functions)."""
    begin = time.monotonic()
    tracer = shop.trace(target, rules, pinned=False)
    armed = time.monotonic()
    tracer.signal(signal.SIGINT)
    tracer.stop(check=False)
    return armed - begin, time.monotonic() - armed, tracer.functions


def measure(shop):
    target = holder(shop)
    for count, rules in ((1000, MANY), (10000, LARGE)):
        took = [once(shop, target, rules) for _ in range(shop.rounds(8))]
        functions = took[0][2]
        if functions < count:
            raise ValueError(f"only {functions} functions were armed")
        how = f"{functions} functions of libLLVM in a running process; best of {len(took)}"
        worst = max(one[0] for one in took)
        yield (f"attach.{count}_s", round(min(one[0] for one in took), 3),
               f"from the start of the command to `tracing`, {how}, worst {worst:.2f}")
        worst = max(one[1] for one in took)
        yield (f"attach.detach_{count}_s", round(min(one[1] for one in took), 3),
               f"from SIGINT to its end, {how}, worst {worst:.2f}")
