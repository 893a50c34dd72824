#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An OTLP/HTTP receiver that no one here wrote the decoder of, for tests.

    with Receiver(venv_python(out)) as receiver:       # any Python; the server runs in a venv
        run("wftrace", "--to", receiver.url)
        receiver.wait(100)
        receiver.spans()                               # flat dictionaries
        receiver.faults({"status": 503, "retry_after": "1", "times": 2}, {"partial": 3})

Alone: `receiver.py serve [--port N]` prints `listening PORT` and serves until it is killed;
`receiver.py check FILE...` decodes files of request bytes and prints them as JSON.

Requests are decoded by opentelemetry-proto with the official protobuf runtime, which refuses bytes
that are no UTF-8; ids, times, kinds, unknown fields and doubled keys are checked on top. What is
wrong is answered with 400 and listed in `problems`.

A fault is used for `times` requests (default 1), in order: `status`, `retry_after`, `body`,
`partial` (that many spans or log records rejected), `path` (only for requests to it), `message`, `delay` in seconds, `close` (hang up without an
answer), `raw` (hex bytes sent instead of an answer, then hang up). A request with a fault is kept
only if it is answered with 200.
"""
import argparse
import fcntl
import gzip
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements.txt"
TRACES, LOGS = "/v1/traces", "/v1/logs"
LIMIT = 64 << 20


def venv_python(out, requirements=REQUIREMENTS, python=sys.executable, name="venv"):
    """A Python with the pinned packages under out/name; made once. OSError if that cannot be."""
    venv = Path(out) / name
    venv.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{venv}.lock", "w", encoding="utf-8") as lock:  # tests may run side by side
        fcntl.flock(lock, fcntl.LOCK_EX)
        return make_venv(venv, requirements, python)


def make_venv(venv, requirements, base):
    done = venv / "requirements.txt"
    python = venv / "bin" / "python"
    if done.exists() and done.read_bytes() == requirements.read_bytes():
        return python
    for command in ([base, "-m", "venv", "--clear", venv],
                    [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", requirements]):
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise OSError(f"{' '.join(map(str, command))}: {ran.stderr.strip()[-300:]}")
    done.write_bytes(requirements.read_bytes())
    return python


class Receiver:
    """The client side: starts the server as a child, asks it over HTTP."""

    def __init__(self, python, port=0):
        self.child = subprocess.Popen([python, __file__, "serve", "--port", str(port)], text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        word = self.child.stdout.readline().split()
        if word[:1] != ["listening"]:
            raise OSError("the receiver did not start")
        self.port = int(word[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.child.kill()
        self.child.wait()

    def _ask(self, path, value=None):
        data = None if value is None else json.dumps(value).encode()
        with urllib.request.urlopen(f"{self.url}/test/{path}", data, timeout=60) as answer:
            return json.load(answer)

    def faults(self, *faults):
        """Replace the faults that are still to come."""
        self._ask("faults", list(faults))

    def state(self):
        """{"requests", "accepted", "spans", "logs", "bytes", "problems", "headers"}: numbers and lists."""
        return self._ask("state")

    def spans(self):
        return self._ask("spans")

    def logs(self):
        return self._ask("logs")

    def clear(self):
        self._ask("clear", {})

    def wait(self, spans, timeout=30.0):
        """Until that many spans were accepted; their number then."""
        end = time.monotonic() + timeout
        while self.state()["spans"] < spans and time.monotonic() < end:
            time.sleep(0.02)
        return self.state()["spans"]


# What follows runs in the venv.


def unknown_fields(message, where=""):
    """Paths of fields that the official classes do not know."""
    from google.protobuf.unknown_fields import UnknownFieldSet
    found = [f"{where}{field.field_number}" for field in UnknownFieldSet(message)]
    for field, value in message.ListFields():
        if field.message_type is not None:
            for one in value if hasattr(value, "extend") else [value]:
                found += unknown_fields(one, f"{where}{field.name}.")
    return found


def any_value(value):
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [any_value(item) for item in value.array_value.values]
    if kind == "bytes_value":
        return value.bytes_value.hex()
    return None if kind is None else getattr(value, kind)


def attributes(pairs, problems, where):
    keys = [pair.key for pair in pairs]
    if len(set(keys)) != len(keys) or "" in keys:
        problems.append(f"{where}: doubled or empty attribute key in {keys}")
    for pair in pairs:
        if pair.value.WhichOneof("value") is None:
            problems.append(f"{where}: attribute {pair.key} has no value")
    return {pair.key: any_value(pair.value) for pair in pairs}


def check_span(span, problems):
    name = f"span {span.name!r}"
    if len(span.trace_id) != 16 or not any(span.trace_id):
        problems.append(f"{name}: trace id {span.trace_id.hex()}")
    if len(span.span_id) != 8 or not any(span.span_id):
        problems.append(f"{name}: span id {span.span_id.hex()}")
    if span.parent_span_id and (len(span.parent_span_id) != 8 or not any(span.parent_span_id)):
        problems.append(f"{name}: parent id {span.parent_span_id.hex()}")
    if span.parent_span_id == span.span_id:
        problems.append(f"{name}: is its own parent")
    if not span.name:
        problems.append("a span without a name")
    if not 0 < span.start_time_unix_nano <= span.end_time_unix_nano:
        problems.append(f"{name}: times {span.start_time_unix_nano} {span.end_time_unix_nano}")
    if not 1 <= span.kind <= 5 or not 0 <= span.status.code <= 2:
        problems.append(f"{name}: kind {span.kind}, status {span.status.code}")
    for link in span.links:
        if len(link.trace_id) != 16 or len(link.span_id) != 8:
            problems.append(f"{name}: link ids")


def flat_span(span, scope, resource, problems):
    name = f"span {span.name!r}"
    return {
        "name": span.name, "trace_id": span.trace_id.hex(), "span_id": span.span_id.hex(),
        "parent_id": span.parent_span_id.hex(), "kind": span.kind, "flags": span.flags,
        "start_ns": span.start_time_unix_nano, "end_ns": span.end_time_unix_nano,
        "status": span.status.code, "status_message": span.status.message,
        "scope": scope.name, "scope_version": scope.version, "resource": resource,
        "attributes": attributes(span.attributes, problems, name),
        "dropped_attributes": span.dropped_attributes_count, "dropped_events": span.dropped_events_count,
        "events": [{"name": e.name, "time_ns": e.time_unix_nano,
                    "attributes": attributes(e.attributes, problems, f"{name} event {e.name!r}")}
                   for e in span.events],
        "links": [{"trace_id": k.trace_id.hex(), "span_id": k.span_id.hex(),
                   "attributes": attributes(k.attributes, problems, f"{name} link")} for k in span.links],
    }


def flat_items(request, resources, scopes, items, flat):
    """(flat items, problems) of a request; the names are those of its repeated fields, from the outermost on."""
    problems = [f"unknown field {path}" for path in unknown_fields(request)]
    found = []
    for of_resource in getattr(request, resources):
        resource = attributes(of_resource.resource.attributes, problems, "resource")
        for of_scope in getattr(of_resource, scopes):
            if not of_scope.scope.name or not getattr(of_scope, items):
                problems.append(f"a scope without name or {items}")
            found += [flat(item, of_scope.scope, resource, problems) for item in getattr(of_scope, items)]
    return found, problems


def checked_span(span, scope, resource, problems):
    check_span(span, problems)
    return flat_span(span, scope, resource, problems)


def decode(body):
    """(flat spans, problems) of request bytes; raises what the official runtime raises."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    return flat_items(ExportTraceServiceRequest.FromString(body), "resource_spans", "scope_spans", "spans", checked_span)


def flat_log(log, scope, resource, problems):
    name = f"log {any_value(log.body)!r}"
    if (len(log.trace_id), len(log.span_id)) not in ((16, 8), (0, 0)):
        problems.append(f"{name}: ids {log.trace_id.hex()} {log.span_id.hex()}")
    if not 1 <= log.severity_number <= 24 or not log.time_unix_nano or not log.observed_time_unix_nano:
        problems.append(f"{name}: severity {log.severity_number}, times")
    return {
        "body": any_value(log.body), "severity": log.severity_text, "severity_number": log.severity_number,
        "time_ns": log.time_unix_nano, "trace_id": log.trace_id.hex(), "span_id": log.span_id.hex(),
        "logger": scope.name, "resource": resource, "attributes": attributes(log.attributes, problems, name),
    }


def decode_logs(body):
    """The same for log records."""
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    return flat_items(ExportLogsServiceRequest.FromString(body), "resource_logs", "scope_logs", "log_records", flat_log)


def response(rejected=0, message=""):
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
    answer = ExportTraceServiceResponse()
    if rejected or message:
        answer.partial_success.rejected_spans = rejected
        answer.partial_success.error_message = message
    return answer.SerializeToString()


def response_logs(rejected=0, message=""):
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
    answer = ExportLogsServiceResponse()
    if rejected or message:
        answer.partial_success.rejected_log_records = rejected
        answer.partial_success.error_message = message
    return answer.SerializeToString()


SIGNALS = {TRACES: (decode, response), LOGS: (decode_logs, response_logs)}


class Store:
    """What was received, and the faults to come."""

    def __init__(self):
        self.lock = threading.Lock()
        self.queue = []
        self.clear()

    def clear(self):
        with self.lock:
            self.kept = {path: [] for path in SIGNALS}
            self.problems = []
            self.headers = {}
            self.requests = self.accepted = self.bytes = 0

    def next_fault(self, path):
        with self.lock:
            self.requests += 1
            fault = next((f for f in self.queue if f.get("path", path) == path), {})
            if fault:
                fault["times"] = fault.get("times", 1) - 1
            if fault.get("times", 1) <= 0:
                self.queue.remove(fault)
            return fault

    def keep(self, path, found, size):
        with self.lock:
            self.kept[path] += found
            self.accepted += 1
            self.bytes += size

    def state(self):
        with self.lock:
            return {"requests": self.requests, "accepted": self.accepted, "spans": len(self.kept[TRACES]),
                    "logs": len(self.kept[LOGS]), "bytes": self.bytes, "problems": self.problems[:50], "headers": self.headers}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", kind="application/x-protobuf", more=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in more:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def answer_json(self, value):
        self.answer(200, json.dumps(value).encode(), "application/json")

    def do_GET(self):
        store = self.server.store
        if self.path == "/test/state":
            self.answer_json(store.state())
        elif self.path in ("/test/spans", "/test/logs"):
            with store.lock:
                found = list(store.kept[LOGS if self.path.endswith("logs") else TRACES])
            self.answer_json(found)
        else:
            self.answer(404, b"no such page", "text/plain")

    def do_POST(self):
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size) if size <= LIMIT else b""
        if self.path == "/test/faults":
            self.server.store.queue = json.loads(body)
            self.answer_json({})
        elif self.path == "/test/clear":
            self.server.store.clear()
            self.answer_json({})
        elif self.path not in SIGNALS:
            self.answer(404, b"404 page not found\n", "text/plain")
        else:
            self.receive(body)

    def refuse(self, problem):
        store = self.server.store
        with store.lock:
            store.problems.append(problem)
        self.answer(400, problem.encode(), "text/plain")

    def fail(self, fault):
        """Do what the fault says; True when that was all."""
        time.sleep(fault.get("delay", 0))
        if fault.get("close") or "raw" in fault:
            self.wfile.write(bytes.fromhex(fault.get("raw", "")))
            self.close_connection = True
            return True
        if fault.get("status", 200) != 200:
            more = [("Retry-After", fault["retry_after"])] if "retry_after" in fault else []
            self.answer(fault["status"], fault.get("body", "").encode(), "text/plain", more)
            return True
        return False

    def receive(self, body):
        store = self.server.store
        decoded, answered = SIGNALS[self.path]
        fault = store.next_fault(self.path)
        if self.fail(fault):
            return
        if self.headers.get("Content-Type") != "application/x-protobuf":
            self.refuse(f"content type {self.headers.get('Content-Type')}")
            return
        try:
            plain = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            found, problems = decoded(plain)
        except Exception as e:  # noqa: BLE001  (whatever the runtime finds)
            self.refuse(f"not decoded: {e}")
            return
        if problems:
            self.refuse("; ".join(problems[:5]))
            return
        store.headers = dict(self.headers.items())
        rejected = min(fault.get("partial", 0), len(found))
        store.keep(self.path, found[:len(found) - rejected], len(body))
        self.answer(200, answered(rejected, fault.get("message", "")))


def serve(port):
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    server.store = Store()
    # Ends with its parent: stdin is the parent's pipe.
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    for decoded, _ in SIGNALS.values():
        decoded(b"")  # the imports, before anyone waits
    print("listening", server.server_address[1], flush=True)
    server.serve_forever()


def check(paths):
    failed = 0
    for path in paths:
        try:
            spans, problems = decode(Path(path).read_bytes())
        except Exception as e:  # noqa: BLE001
            spans, problems = [], [f"not decoded: {e}"]
        failed += bool(problems)
        print(json.dumps({"file": str(path), "spans": spans, "problems": problems}))
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description="an OTLP/HTTP receiver for tests")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve").add_argument("--port", type=int, default=0)
    commands.add_parser("check").add_argument("files", nargs="+")
    options = parser.parse_args()
    if options.command == "check":
        return check(options.files)
    serve(options.port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
