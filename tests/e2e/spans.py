# SPDX-License-Identifier: Apache-2.0
"""What wftrace reported: spans (JSON lines) and the ledger, and the checks that hold for every trace."""
import calendar
import json
import time
from collections import Counter

from proc import Failure


def realtime_ns(text):
    """Nanoseconds since 1970 of a time like 2026-01-02T03:04:05.123456789Z."""
    whole, fraction = text.rstrip("Z").split(".")
    seconds = calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S"))
    return seconds * 1_000_000_000 + int(fraction.ljust(9, "0"))


class Span:
    """One finished span; `raw` is the JSON object of its line."""

    def __init__(self, raw):
        self.raw = raw
        self.name = raw["name"]
        self.trace = raw["trace_id"]
        self.id = raw["span_id"]
        self.parent = raw["parent_id"]
        self.start = realtime_ns(raw["time"])
        self.end = self.start + raw["duration_ns"]
        self.pid = raw["pid"]
        self.tid = raw["tid"]
        self.status = raw["status"]
        self.state = raw.get("state", "finished")
        self.kind = raw["kind"]
        self.events = raw.get("events", [])
        self.links = raw.get("links", [])

    @property
    def duration(self):
        return self.end - self.start

    @property
    def error(self):
        return self.status == "error"

    def attr(self, key, default=None):
        return self.raw["attributes"].get(key, default)

    @property
    def cut(self):
        """Its end was not seen."""
        return self.state != "finished" or self.attr("wftrace.end") is not None

    def exceptions(self):
        """(type, message) of its exception events."""
        found = []
        for event in self.events:
            if event["name"] == "exception":
                values = event["attributes"]
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
        self.logs = []  # raw
        for line in lines:
            if any("\udc80" <= c <= "\udcff" for c in line):
                raise Failure(f"stdout holds a line that is no UTF-8: {line[:200]!r}")
            try:
                raw = json.loads(line)
            except ValueError:
                raise Failure(f"stdout holds a line that is no JSON object: {line[:200]!r}") from None
            if raw.get("type") == "log":
                self.logs.append(raw)
                continue
            span = Span(raw)
            if span.state != "open":
                self.spans.append(span)
        self.by_id = {span.id: span for span in self.spans}
        self.by_parent = {}
        for span in self.spans:
            self.by_parent.setdefault(span.parent, []).append(span)

    @classmethod
    def load(cls, spans, ledger, stderr=()):
        """From the files that -o and --ledger named."""
        return cls(spans.read_text().splitlines(), json.loads(ledger.read_text()), stderr)

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
        return sorted(self.by_parent.get(span.id, ()), key=lambda s: s.start)

    def check(self, turns=False):
        """What must hold whatever was traced. Raises Failure with the first wrong spans.
        `turns`: coroutines take turns on a thread. Where a Python root was cut short, calls in it are not told."""
        self._check_ledger()
        if len(self.by_id) != len(self.spans):
            twice = [i for i, n in Counter(s.id for s in self.spans).items() if n > 1]
            raise Failure(f"{len(twice)} span ids occur twice, e.g. {twice[:3]}")
        self._check_parents({s.trace for s in self.spans if s.cut} if turns else ())
        if not turns:
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
        reported = ended + sum(ledger.get(name, 0) for name in ("unfinished", "given_up")) - ledger.get("dropped_by_rule", 0)
        if len(self.spans) != reported:
            raise Failure(f"{len(self.spans)} spans on stdout, the ledger says {reported}: {json.dumps(ledger.raw)}")

    def _check_parents(self, cut):
        for span in self.spans:
            if span.trace in cut:
                continue
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
            if same and span.end > parent.end:
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
