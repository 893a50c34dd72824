# SPDX-License-Identifier: Apache-2.0
"""What wftrace reported: spans (JSON lines) and the ledger, and the checks that hold for every trace."""
import json
from collections import Counter

from proc import Failure

# Spans that finish in another order than they nest may differ by the cost of reading the clock.
CLOCK_SLACK_NS = 0


def pick(raw, *names, default=None):
    return next((raw[name] for name in names if raw.get(name) is not None), default)


class Span:
    """One finished span. `raw` is the JSON object; attributes lie in it flat or under `attributes`."""

    def __init__(self, raw):
        self.raw = raw
        self.name = raw["name"]
        self.trace = raw["trace_id"]
        self.id = raw["span_id"]
        parent = pick(raw, "parent_id", "parent_span_id")
        self.parent = parent if parent and parent.strip("0") else None
        self.start = int(pick(raw, "start_ns", "start_time_unix_nano", "start"))
        duration = pick(raw, "duration_ns")
        end = pick(raw, "end_ns", "end_time_unix_nano", "end")
        self.end = int(end) if end is not None else self.start + int(duration)
        self.pid = pick(raw, "pid", "process.pid")
        self.tid = pick(raw, "tid", "thread.id", default=self.pid)
        self.status = str(pick(raw, "status", default="unset")).lower()
        self.state = str(pick(raw, "state", default="finished")).lower()
        self.kind = str(pick(raw, "kind", default="internal")).lower()
        self.events = pick(raw, "events", default=[])
        self.links = pick(raw, "links", default=[])

    @property
    def duration(self):
        return self.end - self.start

    @property
    def error(self):
        return self.status == "error"

    def attr(self, key, default=None):
        if key in self.raw:
            return self.raw[key]
        return (self.raw.get("attributes") or {}).get(key, default)

    def exceptions(self):
        """(type, message) of its exception events."""
        found = []
        for event in self.events:
            if event.get("name") == "exception":
                values = {**event, **(event.get("attributes") or {})}
                found.append((values.get("exception.type"), values.get("exception.message")))
        return found

    def __repr__(self):
        return json.dumps(self.raw)[:400]


class Ledger:
    """The JSON of --ledger; a term is found by name at the top or one level down."""

    def __init__(self, raw):
        self.raw = raw

    def get(self, name, default=None):
        group, _, leaf = name.rpartition(".")
        place = self.raw.get(group, {}) if group else self.raw
        if leaf in place:
            return place[leaf]
        if not group:
            for part in self.raw.values():
                if isinstance(part, dict) and leaf in part:
                    return part[leaf]
        return default

    def __getitem__(self, name):
        value = self.get(name)
        if value is None:
            raise Failure(f"the ledger has no {name!r}: {json.dumps(self.raw)}")
        return value


class Trace:
    """All that one run of wftrace said."""

    def __init__(self, lines, ledger, stderr=(), status=0):
        self.stderr = list(stderr)
        self.status = status
        self.ledger = Ledger(ledger)
        self.spans = []
        for line in lines:
            if any("\udc80" <= c <= "\udcff" for c in line):
                raise Failure(f"stdout holds a line that is no UTF-8: {line[:200]!r}")
            try:
                raw = json.loads(line)
            except ValueError:
                raise Failure(f"stdout holds a line that is no JSON object: {line[:200]!r}") from None
            span = Span(raw)
            if span.state != "open":
                self.spans.append(span)
        self.by_id = {span.id: span for span in self.spans}

    def named(self, name):
        return [span for span in self.spans if span.name == name]

    def counts(self):
        return Counter(span.name for span in self.spans)

    def parent(self, span):
        return self.by_id.get(span.parent) if span.parent else None

    def edges(self):
        """How often each (parent name or None, name) occurs."""
        found = Counter()
        for span in self.spans:
            parent = self.parent(span)
            found[(parent.name if parent else "MISSING" if span.parent else None, span.name)] += 1
        return found

    def children(self, span):
        return sorted((s for s in self.spans if s.parent == span.id), key=lambda s: s.start)

    def check(self):
        """What must hold whatever was traced. Raises Failure with the first wrong spans."""
        self._check_ledger()
        if len(self.by_id) != len(self.spans):
            twice = [i for i, n in Counter(s.id for s in self.spans).items() if n > 1]
            raise Failure(f"{len(twice)} span ids occur twice, e.g. {twice[:3]}")
        self._check_parents()
        self._check_siblings()

    def _check_ledger(self):
        ledger = self.ledger
        if ledger["balanced"] is not True:
            raise Failure(f"the ledger does not balance: {json.dumps(ledger.raw)}")
        lost = sum(ledger.get(name, 0) for name in (
            "unfinished", "guarded", "short", "sampled_out", "state_full", "ring_full"))
        ended = ledger["completed"] + ledger["abandoned"]
        if ledger["entries"] != ended + lost:
            raise Failure(f"entries {ledger['entries']} != {ended} + {lost}: {json.dumps(ledger.raw)}")
        reported = ended + ledger.get("unfinished", 0)
        if len(self.spans) != reported:
            raise Failure(f"{len(self.spans)} spans on stdout, the ledger says {reported}: {json.dumps(ledger.raw)}")

    def _check_parents(self):
        for span in self.spans:
            if span.end < span.start:
                raise Failure(f"ends before it starts: {span}")
            parent = self.parent(span)
            if span.parent and not parent:
                raise Failure(f"its parent was not reported: {span}")
            if not parent:
                continue
            if parent.trace != span.trace:
                raise Failure(f"child and parent lie in different traces:\n  {span}\n  {parent}")
            if span.start < parent.start:
                raise Failure(f"starts before its parent:\n  {span}\n  {parent}")
            same = parent.tid == span.tid
            if same and span.end > parent.end + CLOCK_SLACK_NS:
                raise Failure(f"ends after its parent on the same thread:\n  {span}\n  {parent}")

    def _check_siblings(self):
        """Calls of one thread under one parent cannot overlap, unless stacks are switched."""
        last = {}
        for span in sorted(self.spans, key=lambda s: (s.start, -s.end)):
            if span.parent is None:
                continue
            before = last.get((span.parent, span.tid))
            if before and span.start < before.end:
                raise Failure(f"siblings overlap on one thread:\n  {before}\n  {span}")
            last[(span.parent, span.tid)] = span
