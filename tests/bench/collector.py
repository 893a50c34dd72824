# SPDX-License-Identifier: Apache-2.0
"""What the collector does with a span, in CPU time of one thread."""
import json
import subprocess

from row import Group
from workshop import Failure

SECONDS, QUICK_SECONDS = 4, 1


def run(shop, tool, *more):
    argv = [*shop.on_cpu(shop.target_cpu), tool, str(QUICK_SECONDS if shop.quick else SECONDS), *more]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(done.stderr.strip())
    return json.loads(done.stdout)


def measure(shop):
    tool = shop.tool_of_library("collector")
    done = [run(shop, tool) for _ in range(shop.rounds(8) // 2)]
    best = max(done, key=lambda one: one["best_per_s"])
    yield ("collector.spans_per_s", best["best_per_s"],
           "ring bytes to the body of a POST, 2 string attributes, requests of 512 spans, one thread's CPU time, "
           f"best window of 240,000 spans; {best['bytes_per_span']:.0f} bytes a span")
    spans, allocations = (sum(one[key] for one in done) for key in ("spans", "allocations"))
    yield ("collector.allocs_per_1000", round(1000 * allocations / spans, 3),
           f"{allocations} allocations of any library for {spans:,} spans after warm-up")


def measure_gzip(shop):
    done = run(shop, shop.tool_of_library("collector"), "gzip")
    yield ("collector.gzip_spans_per_s", done["best_per_s"],
           f"the same with gzip level 1; {done['bytes_per_span']:.0f} bytes a span")


GROUPS = (Group(("collector.spans_per_s", "collector.allocs_per_1000"), 25, measure),
          Group(("collector.gzip_spans_per_s",), 10, measure_gzip))
