# SPDX-License-Identifier: Apache-2.0
"""What the collector does with a span, in CPU time of one thread."""
import json
import subprocess

from workshop import Failure

ROWS = ("collector.spans_per_s", "collector.gzip_spans_per_s", "collector.allocs_per_1000")
SECONDS, QUICK_SECONDS = 4, 1


def run(shop, tool, *more):
    argv = [*shop.on_cpu(shop.target_cpu), tool, str(QUICK_SECONDS if shop.quick else SECONDS), *more]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(done.stderr.strip())
    return json.loads(done.stdout)


def measure(shop):
    tool = shop.tool_of_library("collector")
    plain = [run(shop, tool) for _ in range(shop.rounds(8) // 2)]
    packed = run(shop, tool, "gzip")
    best = max(plain, key=lambda one: one["best_per_s"])
    how = ("ring bytes to the body of a POST, 2 string attributes, requests of 512 spans, one thread's CPU "
           "time, best window of 240,000 spans")
    yield "collector.spans_per_s", best["best_per_s"], f"{how}; {best['bytes_per_span']:.0f} bytes a span"
    yield ("collector.gzip_spans_per_s", packed["best_per_s"],
           f"the same with gzip level 1; {packed['bytes_per_span']:.0f} bytes a span")
    spans, allocations = (sum(one[key] for one in plain) for key in ("spans", "allocations"))
    yield ("collector.allocs_per_1000", round(1000 * allocations / spans, 3),
           f"{allocations} allocations of any library for {spans:,} spans after warm-up")
