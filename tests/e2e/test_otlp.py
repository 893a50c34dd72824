# SPDX-License-Identifier: Apache-2.0
"""Spans sent over OTLP/http to a receiver: all of them, once, well formed; refusals and retries are counted."""
import json
import os
import signal
import struct
from collections import Counter

from harness import OUT, Skip
from otlp_wire import Receiver
from receiver import Receiver as ForeignReceiver, venv_python

TRIO = ["tr_outer", "tr_mid", "tr_leaf"]
SERVER = 2


def send(t, receiver, *options, rules=TRIO, program=("trio.c", "1000"), env=None, status=0):
    """Trace a program to a receiver: (ledger, which must balance, messages). Status 1 says that spans were lost."""
    target = t.start([t.build(program[0]), *program[1:]])
    tracer = t.attach(target, list(rules), "--to", receiver.url, *options, json_lines=False, env=env)
    target.go()
    t.equal(target.finish()[1], 0, "exit status of the target")
    tracer.signal(signal.SIGINT)
    t.equal(tracer.wait(60), status, "exit code: " + "; ".join(tracer.err.lines[-3:]))
    ledger = tracer.read_ledger()
    t.equal(ledger["balanced"], True, "balanced")
    return ledger, tracer.err.all()


def receiver(t, answers=()):
    t.need_wftrace()
    made = Receiver(answers)
    t.undo.append(made.close)
    return made


def edges(spans):
    names = {s["span_id"]: s["name"] for s in spans}
    return Counter((names.get(s["parent_id"]), s["name"]) for s in spans)


def check_all(t, spans, calls=1000):
    t.equal(len({s["span_id"] for s in spans}), 3 * calls, "span ids")
    t.equal(edges(spans), {(None, "tr_outer"): calls, ("tr_outer", "tr_mid"): calls, ("tr_mid", "tr_leaf"): calls}, "parents")
    for span in spans:
        t.true(len(span["trace_id"]) == 32 and int(span["trace_id"], 16), f"trace id of {span}")
        t.true(len(span["span_id"]) == 16 and int(span["span_id"], 16), f"span id of {span}")
        t.true(span["start"] <= span["end"], f"times of {span}")


def test_all_spans_arrive(t):
    to = receiver(t)
    send(t, to, "--service-name", "e2e", "--resource", "deployment.environment.name=test", rules=[
        "tr_outer(x=arg1:i64) kind server", "tr_mid", "tr_leaf"])
    check_all(t, to.accepted())
    for path, headers, *_ in to.requests:
        t.equal(path, "/v1/traces", "path")
        t.equal(headers["Content-Type"], "application/x-protobuf", "content type")
    for span in to.accepted():
        resource = span["resource"]
        t.equal((resource["service.name"], resource["deployment.environment.name"]), ("e2e", "test"), "resource")
        t.equal(resource["telemetry.sdk.name"], "wftrace", "telemetry.sdk.name")
        t.true("process.pid" in resource and "process.executable.name" in resource, f"resource: {resource}")
        t.true(span["scope"].startswith("wftrace/"), f"scope: {span['scope']}")
        t.equal(span["attributes"]["code.function.name"], span["name"], "code.function.name")
        if span["name"] == "tr_outer":
            t.equal(span["kind"], SERVER, "kind")
    t.equal(sorted(s["attributes"]["x"] for s in to.accepted() if s["name"] == "tr_outer"), list(range(1000)), "values")


def test_gzip_and_headers(t):
    to = receiver(t)
    headers = t.dir / "headers"
    headers.write_text("x-secret=from a file\n")
    send(t, to, "--header", "x-e2e=yes", "--header-file", str(headers),
         env={**os.environ, "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"})
    check_all(t, to.accepted())
    for _, sent, *_ in to.requests:
        t.equal((sent.get("x-e2e"), sent.get("x-secret"), sent.get("Content-Encoding")), ("yes", "from a file", "gzip"), "headers")


def test_nothing_is_compressed_within_this_machine(t):
    to = receiver(t)
    send(t, to)
    check_all(t, to.accepted())
    t.equal({sent.get("Content-Encoding") for _, sent, *_ in to.requests}, {None}, "Content-Encoding")


def test_endpoint_from_the_environment(t):
    to = receiver(t)
    target = t.start([t.build("trio.c"), "1000"])
    t.need_wftrace()
    tracer = t.attach(target, TRIO, json_lines=False, env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": to.url})
    target.go()
    t.equal(target.finish()[1], 0, "exit status of the target")
    tracer.stop()
    check_all(t, to.accepted())


def test_retries_until_it_is_accepted(t):
    to = receiver(t, [(503, {"Retry-After": "1"}, b""), (429, {}, b""), (502, {}, b"")])
    ledger, _ = send(t, to)
    check_all(t, to.accepted())
    counts = ledger["sinks"][0]
    t.equal(counts["exported"], 3000, "exported")
    t.true(counts["retries"] >= 3, f"retries: {counts}")


def test_refused_for_good(t):
    """400 is not retried: that batch is lost, and counted."""
    to = receiver(t, [(400, {}, b"")])
    ledger, err = send(t, to, status=1)
    counts = ledger["sinks"][0]
    lost = counts["lost_rejected"]
    t.true(0 < lost <= 3000 and lost + counts["exported"] == 3000, f"counts: {counts}")
    t.equal(len(to.accepted()), counts["exported"], "accepted spans")
    t.true(any("400" in line for line in err), f"the refusal is not told: {err}")


def partial_success(rejected, message):
    inner = b"\x08" + bytes([rejected]) + b"\x12" + bytes([len(message)]) + message
    return b"\x0a" + bytes([len(inner)]) + inner


def test_partial_success_is_counted(t):
    to = receiver(t, [(200, {}, partial_success(5, b"too old"))])
    ledger, err = send(t, to, status=1)
    counts = ledger["sinks"][0]
    t.equal((counts["lost_rejected"], counts["exported"]), (5, 2995), "rejected and exported")
    t.true(any("too old" in line for line in err), f"the receiver's message is not told: {err}")


def test_several_destinations(t):
    """A dead one does not hold up the others."""
    good = receiver(t)
    target = t.start([t.build("trio.c"), "1000"])
    path = t.dir / "spans.jsonl"
    tracer = t.attach(target, TRIO, "--to", "http://127.0.0.1:9", "--to", good.url, "--to", f"file:{path}", json_lines=False)
    target.go()
    target.finish()
    tracer.signal(signal.SIGINT)
    tracer.wait(60)
    ledger = tracer.read_ledger()
    t.equal(ledger["balanced"], True, "balanced")
    check_all(t, good.accepted())
    spans = [span for line in path.read_text().splitlines() for rs in json.loads(line)["resourceSpans"]
             for ss in rs["scopeSpans"] for span in ss["spans"]]
    t.equal(len(spans), 3000, "spans in the file")
    t.equal({s["span_id"] for s in good.accepted()}, {s["spanId"] for s in spans}, "ids here and there")
    t.equal(oct(os.stat(path).st_mode & 0o777), "0o600", "mode of the file")


def test_exceptions_arrive_as_events(t):
    to = receiver(t)
    send(t, to, rules=[*TRIO, "tr_after"], program=("throw.cc", "throw"))
    failed = [s for s in to.accepted() if s["status"] == 2]
    t.equal(Counter(s["name"] for s in failed), {"tr_outer": 500, "tr_mid": 500}, "spans with error status")
    for span in failed:
        t.equal([e[2][0] for e in span["events"]], [b"exception"], f"events of {span['name']}")
        t.true(struct.unpack("<Q", span["events"][0][1][0])[0] >= span["start"], "time of the event")


def test_foreign_receiver(t):
    """The strict protobuf runtime and opentelemetry-proto, which no one here wrote, accept the bytes."""
    t.need_wftrace()
    try:
        python = venv_python(OUT)
    except OSError as e:
        raise Skip(f"the receiver cannot be installed here: {e}") from None
    with ForeignReceiver(python) as foreign:
        send(t, foreign, rules=[*TRIO, "tr_after"], program=("throw.cc", "throw"))
        foreign.wait(3000)
        t.equal(foreign.state()["problems"], [], "what the receiver does not accept")
        t.equal(Counter(s["name"] for s in foreign.spans()),
                {"tr_outer": 1000, "tr_mid": 1000, "tr_leaf": 500, "tr_after": 500}, "spans")


test_foreign_receiver.deadline = 300
