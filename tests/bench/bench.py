#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure the bars: a table on stdout, and build/bench.json.

What is compared is measured in one run, in interleaved rounds, and the best of each is taken, since
machines are noisy; all of it runs at a raised priority, to be less disturbed. Exit status 1 when a row could not be measured; a bar that is missed is no error.
"""
import argparse
import fnmatch
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

import attach  # noqa: E402
import call  # noqa: E402
import collector  # noqa: E402
import fastapi  # noqa: E402
import hazard  # noqa: E402
import load  # noqa: E402
import machine  # noqa: E402
import memory  # noqa: E402
import pgbench  # noqa: E402
import predict  # noqa: E402
import priority  # noqa: E402
import program  # noqa: E402
import python  # noqa: E402
from row import make_rows  # noqa: E402
from workshop import OUT, Workshop  # noqa: E402

MODULES = (call, predict, program, collector, memory, attach, load, pgbench, fastapi, python, hazard)
GROUPS = [group for module in MODULES for group in module.GROUPS]
WIDTHS = (30, 12, 12, 12, 6)


def say_line(*cells):
    print("  ".join(f"{cell:<{width}}" for cell, width in zip(cells, WIDTHS)) + "  " + cells[-1],
          flush=True)


def format_value(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"


def say_row(row, nested):
    say_line(row.id, format_value(row.value), row.unit, row.bar or "-",
             {True: "yes", False: "NO", None: "-"}[row.holds(nested)], row.how)


def run_group(group, rows, options, nested):
    directory = tempfile.mkdtemp(prefix="wftrace-bench-")
    Path(directory).chmod(0o755)
    shop = Workshop(directory, options.quick)
    try:
        shop.need_wftrace()
        for name, value, how in group.measure(shop):
            row = rows[name]
            row.value, row.how = value, how
            if options.wanted(name):
                say_row(row, nested)
    finally:
        shop.close()
        shutil.rmtree(directory, ignore_errors=True)


def measure_group(group, rows, options, nested):
    """What a group did not come to say keeps the reason as `how`. No failure stops the others."""
    reason = "not measured"
    try:
        run_group(group, rows, options, nested)
    except Exception as e:
        reason = f"{type(e).__name__}: {e}"
    for name in group.rows:
        if rows[name].value is None:
            rows[name].how = " | ".join(reason.splitlines())[:600]
            if options.wanted(name):
                say_row(rows[name], nested)


def parse_options():
    parser = argparse.ArgumentParser(description="measure wftrace against its bars")
    parser.add_argument("--row", metavar="PATTERN", help="only rows whose id contains or matches PATTERN")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and shorter windows")
    parser.add_argument("--json", metavar="PATH", default=str(OUT / "bench.json"), help="where the rows go")
    options = parser.parse_args()
    options.wanted = lambda name: (not options.row or options.row in name
                                   or fnmatch.fnmatch(name, options.row))
    options.seconds = lambda group: group.seconds / (4 if options.quick else 1)
    return options


def say_progress(groups, number, options):
    """On stderr; long rows are silent for minutes."""
    wanted = ", ".join(name for name in groups[number].rows if options.wanted(name))
    print(f"bench: {number + 1} of {len(groups)}, about {options.seconds(groups[number]):.0f} s: {wanted}",
          file=sys.stderr, flush=True)


def measure_all(groups, rows, options, nested):
    with priority.raised() as nice:
        for number, group in enumerate(groups):
            say_progress(groups, number, options)
            measure_group(group, rows, options, nested)
    return nice


def main():
    options = parse_options()
    rows = make_rows()
    groups = [group for group in GROUPS if any(options.wanted(name) for name in group.rows)]
    if not groups:
        print(f"bench: no row matches {options.row!r}", file=sys.stderr)
        return 2
    facts = machine.describe(options.quick)
    begin = time.monotonic()
    print(f"{facts['cpu']}, {facts['cpus']} CPUs, Linux {facts['kernel']}, "
          f"{'nested VM' if facts['nested'] else 'VM' if facts['virtual'] else 'no VM'}", flush=True)
    print(f"This takes about {sum(map(options.seconds, groups)) / 60:.0f} minutes.", flush=True)
    say_line("row", "value", "unit", "bar", "holds", "how")
    facts["nice"] = measure_all(groups, rows, options, facts["nested"])
    chosen = [row for row in rows.values() if options.wanted(row.id)]
    facts["load_after"] = os.getloadavg()[0]
    facts["seconds"] = round(time.monotonic() - begin)
    result = {"machine": facts, "rows": [row.as_dict(facts["nested"]) for row in chosen]}
    Path(options.json).write_text(json.dumps(result, indent=1) + "\n")
    missing = [row.id for row in chosen if row.value is None]
    missed = [row.id for row in chosen if row.holds(facts["nested"]) is False]
    print(f"bench: {len(chosen)} rows, {len(missed)} below their bar, {len(missing)} not measured")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
