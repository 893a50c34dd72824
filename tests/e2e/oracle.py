# SPDX-License-Identifier: Apache-2.0
"""What a program calls, told by its twin built with -finstrument-functions and recorder.c."""
import fnmatch
import os
import struct
import subprocess
from collections import Counter

TWIN_FLAGS = ("-O0", "-g0", "-w", "-finstrument-functions")
RECORD = struct.Struct("<QQIIQ")


class Call:
    """One call: its name, its depth among the traced ones, its parent's name or None."""

    __slots__ = ("name", "depth", "parent")

    def __init__(self, name, depth, parent):
        self.name, self.depth, self.parent = name, depth, parent


def function_names(program):
    """{address as linked, from the image's start: demangled name without parameters}."""
    out = subprocess.run(["nm", "--defined-only", "-C", str(program)], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in out.splitlines()]
    start = next(int(row[0], 16) for row in rows if len(row) == 3 and row[2] == "__executable_start")
    return {int(row[0], 16) - start: row[2].split("(")[0] for row in rows if len(row) == 3 and row[1] in "tTwW"}


def calls(path, names, patterns):
    """The calls of one thread in their order, of functions that match a pattern."""
    wanted = {at: name for at, name in names.items() if any(fnmatch.fnmatch(name, p) for p in patterns)}
    stack, found = [], []
    with open(path, "rb") as f:
        data = f.read()
    for _, function, _, _, entry in RECORD.iter_unpack(data[:len(data) // RECORD.size * RECORD.size]):
        name = wanted.get(function)
        if name is None:
            continue
        if entry:
            found.append(Call(name, len(stack), stack[-1] if stack else None))
            stack.append(name)
        elif stack.pop() != name:
            raise AssertionError(f"the twin left {name} out of order")
    return found


def record(t, source, patterns, cc="g++", flags=(), limit=60000, seconds=20):
    """Run the twin: (calls, what it printed), or None if it does too much to be traced."""
    twin = t.build(source, flags=(*TWIN_FLAGS, *flags), cc=cc, name="twin", more=["recorder.c"])
    path = t.dir / "oracle.bin"
    if path.exists():
        path.unlink()
    script = f'ulimit -t {seconds} -f {2 * limit * RECORD.size // 512}; exec "$0"'
    target = t.start(["bash", "-c", script, twin], env={**os.environ, "WF_ORACLE": str(path)})
    target.go()
    said, status = target.finish(4 * seconds)
    if status:
        return None
    found = calls(path, function_names(twin), patterns)
    return (found, said) if len(found) <= limit else None


def edges(found):
    return Counter((call.parent, call.name) for call in found)


def paths(found):
    """How often each chain of names, from the outermost call inwards, occurs."""
    counted, chain = Counter(), []
    for call in found:
        chain[call.depth:] = [call.name]
        counted[" > ".join(chain)] += 1
    return counted


def span_paths(trace):
    known = {}

    def path(span):
        if span.id not in known:
            parent = trace.parent(span)
            known[span.id] = f"{path(parent)} > {span.name}" if parent else span.name
        return known[span.id]

    return Counter(path(span) for span in trace.spans)


def compare(t, trace, found, ordered=True):
    """
    Every call below the same calls and, where the language fixes that, in the same order. Where a
    jump through a pointer ends a span (wftrace.exit), what it jumps to lies one level higher.
    """
    t.equal(trace.counts(), Counter(call.name for call in found), "calls")
    spans = sorted(trace.spans, key=lambda s: (s.start, -s.end))
    if ordered:
        t.equal([s.name for s in spans], [call.name for call in found], "order of calls")
    jumpers = {s.name for s in spans if s.attr("wftrace.exit") == "tail_jump"}
    got, want = trace.edges(), edges(found)
    missing = {k for k in want if want[k] > got.get(k, 0)}
    if missing and all(parent in jumpers for parent, _ in missing):
        return
    t.edges(trace, want)
    t.equal(span_paths(trace), paths(found), "chains of calls")
    lost = {name: trace.ledger.get(name, 0) for name in ("state_full", "ring_full", "exits.unmatched", "unfinished")}
    t.equal(lost, dict.fromkeys(lost, 0), "losses")
