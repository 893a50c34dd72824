# SPDX-License-Identifier: Apache-2.0
"""Enough of protobuf and OTLP to read an ExportTraceServiceRequest, from the specification, not from wftrace."""
import gzip
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def fields(data):
    """{field number: [values]} of one message; nested messages and strings stay bytes."""
    found, at = {}, 0
    while at < len(data):
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = data[at:at + 8], at + 8
        elif kind == 2:
            size, at = varint(data, at)
            if at + size > len(data):
                raise ValueError("a field runs out of its message")
            value, at = data[at:at + size], at + size
        elif kind == 5:
            value, at = data[at:at + 4], at + 4
        else:
            raise ValueError(f"wire type {kind}")
        found.setdefault(number, []).append(value)
    return found


def one(message, number, default=b""):
    return message.get(number, [default])[-1]


def any_value(data):
    message = fields(data)
    if 1 in message:
        return one(message, 1).decode()
    if 2 in message:
        return bool(one(message, 2))
    if 3 in message:
        return struct.unpack("<q", struct.pack("<Q", one(message, 3)))[0]
    if 4 in message:
        return struct.unpack("<d", one(message, 4))[0]
    if 5 in message:
        return [any_value(v) for v in fields(one(message, 5)).get(1, [])]
    return None


def attributes(rows):
    found = {}
    for row in rows:
        message = fields(row)
        key = one(message, 1).decode()
        if key in found:
            raise ValueError(f"attribute {key} twice")
        found[key] = any_value(one(message, 2))
    return found


def read_span(data, resource, scope):
    message = fields(data)
    return {
        "trace_id": one(message, 1).hex(), "span_id": one(message, 2).hex(), "parent_id": one(message, 4).hex() or None,
        "name": one(message, 5).decode(), "kind": one(message, 6, 0), "start": struct.unpack("<Q", one(message, 7))[0],
        "end": struct.unpack("<Q", one(message, 8))[0], "attributes": attributes(message.get(9, [])),
        "events": [fields(e) for e in message.get(11, [])], "status": one(fields(one(message, 15)), 3, 0),
        "flags": one(message, 16, bytes(4)), "resource": resource, "scope": scope,
    }


def read_spans(data):
    """Spans of an ExportTraceServiceRequest, each with its resource's attributes and its scope's name."""
    found = []
    for resource_spans in fields(data).get(1, []):
        message = fields(resource_spans)
        resource = attributes(fields(one(message, 1)).get(1, []))
        for scope_spans in message.get(2, []):
            scope_message = fields(scope_spans)
            scope = one(fields(one(scope_message, 1)), 1).decode()
            found += [read_span(s, resource, scope) for s in scope_message.get(2, [])]
    return found


def read_log(data, resource, scope):
    message = fields(data)
    return {
        "time": struct.unpack("<Q", one(message, 1))[0], "severity_number": one(message, 2, 0),
        "severity": one(message, 3, b"").decode(), "body": any_value(one(message, 5)),
        "attributes": attributes(message.get(6, [])), "trace_id": one(message, 9, b"").hex() or None,
        "span_id": one(message, 10, b"").hex() or None, "observed": struct.unpack("<Q", one(message, 11))[0],
        "resource": resource, "logger": scope,
    }


def read_logs(data):
    """Log records of an ExportLogsServiceRequest, in the same way."""
    found = []
    for resource_logs in fields(data).get(1, []):
        message = fields(resource_logs)
        resource = attributes(fields(one(message, 1)).get(1, []))
        for scope_logs in message.get(2, []):
            scope_message = fields(scope_logs)
            scope = one(fields(one(scope_message, 1)), 1).decode()
            found += [read_log(x, resource, scope) for x in scope_message.get(2, [])]
    return found


class Receiver:
    """An OTLP/http endpoint on loopback. `answers` are (status, headers, body) for the first requests; then 200."""

    def __init__(self, answers=()):
        self.answers = list(answers)
        self.logs = []
        self.requests = []  # (path, headers, body as sent, spans, status answered)
        self.lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                receiver.handle(self)

            def log_message(self, *unused):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def handle(self, request):
        body = request.rfile.read(int(request.headers["Content-Length"]))
        plain = gzip.decompress(body) if request.headers.get("Content-Encoding") == "gzip" else body
        with self.lock:
            status, headers, answer = self.answers.pop(0) if self.answers else (200, {}, b"")
            of_logs = request.path.endswith("/v1/logs")
            self.logs += read_logs(plain) if of_logs else []
            self.requests.append((request.path, dict(request.headers), body, [] if of_logs else read_spans(plain), status))
        request.send_response(status)
        for key, value in {"Content-Type": "application/x-protobuf", "Content-Length": str(len(answer)), **headers}.items():
            request.send_header(key, value)
        request.end_headers()
        request.wfile.write(answer)

    def accepted(self):
        return [span for *_, spans, status in self.requests if status == 200 for span in spans]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
