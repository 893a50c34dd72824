# SPDX-License-Identifier: Apache-2.0
"""How long wftrace takes to attach to many functions, symbols and plan included, and to leave."""
import signal
import time

from library import LARGE, MANY, holder
from row import Group
from workshop import Failure


def once(shop, target, rules):
    """(seconds to armed, seconds to gone, functions)."""
    begin = time.monotonic()
    tracer = shop.trace(target, rules, pinned=False)
    armed = time.monotonic()
    tracer.signal(signal.SIGINT)
    tracer.stop(check=False)
    return armed - begin, time.monotonic() - armed, tracer.functions


def group(count, rules, seconds):
    names = (f"attach.{count}_s", f"attach.detach_{count}_s")

    def measure(shop):
        target = holder(shop)
        took = [once(shop, target, rules) for _ in range(shop.rounds(8))]
        functions = took[0][2]
        if functions < count:
            raise Failure(f"only {functions} functions were armed")
        how = f"{functions} functions of libLLVM in a running process; best of {len(took)}"
        for i, what in enumerate(("from the start of the command to `tracing`", "from SIGINT to its end")):
            times = [one[i] for one in took]
            yield names[i], round(min(times), 3), f"{what}, {how}, worst {max(times):.2f}"
    return Group(names, seconds, measure)


GROUPS = (group(1000, MANY, 10), group(10000, LARGE, 25))
