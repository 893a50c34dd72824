# SPDX-License-Identifier: Apache-2.0
"""Spans over the real export thread to a real receiver, a file, and to what is none of them.

The driver `push` (tests/unit/push.c) makes spans up; the receiver decodes with the official
classes. No kernel is needed.
"""
import contextlib
import fcntl
import json
import os
import socket
import subprocess
import time

import receiver
from harness import CACHE, OUT, ROOT, Failure, Skip

LOSSES = ("lost_queue_full", "lost_rejected", "lost_retries", "lost_too_large", "lost_write", "lost_encode")
# What a gRPC server says first: an HTTP/2 SETTINGS frame.
HTTP2_HELLO = "000000040000000000"


class Result:
    """What `push` printed: its ledger, and what it told the user."""

    def __init__(self, out, err):
        lines = err.splitlines()
        self.out = out
        self.said = [line for line in lines if line.startswith("wftrace: ")]
        self.raw = json.loads(next(line for line in lines if line.startswith("{")))
        self.sinks = self.raw["sinks"]
        for sink in self.sinks:
            if sink["spans_in"] != sink["exported"] + sum(sink[name] for name in LOSSES):
                raise Failure(f"the ledger of {sink['name']} does not balance: {sink}")
            if self.raw["pushed"] != sink["spans_in"] + self.raw["inbox_lost"]:
                raise Failure(f"spans vanished before {sink['name']}: {self.raw}")

    def __getitem__(self, name):
        return self.sinks[0][name]


def make(target):
    out = os.environ.get("O") or "build"
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "make.lock", "w") as lock:  # tests that run side by side want the same program
        fcntl.flock(lock, fcntl.LOCK_EX)
        ran = subprocess.run(["make", "-s", f"O={out}", f"{out}/tests/{target}"], cwd=ROOT, capture_output=True,
                             text=True, check=False)
    if ran.returncode:
        raise Skip(f"{target} is not built: {ran.stderr.strip()[-200:]}", required=True)
    return OUT / "tests" / target


def push(test, *args):
    process = test.spawn([make("push"), *map(str, args)])
    if process.wait(60):
        raise Failure("\n".join(process.describe()))
    return Result("\n".join(process.out.all()), "\n".join(process.err.all()))


def venv():
    try:
        return receiver.venv_python(OUT)
    except OSError as e:
        raise Skip(f"the receiver's packages cannot be installed: {e}") from None


@contextlib.contextmanager
def listening():
    """A receiver that must not find anything wrong."""
    with receiver.Receiver(venv()) as server:
        yield server
        problems = server.state()["problems"]
        if problems:
            raise Failure(f"the receiver refused: {problems}")


def test_every_span_arrives_once(test):
    for count, batch, more in ((1, 1, ()), (1000, 7, ()), (20000, 512, ("-z",)), (5000, 2000, ())):
        with listening() as server:
            result = push(test, "-n", count, "-b", batch, *more, server.url)
            test.equal(result["exported"], count, "exported")
            ids = [span["span_id"] for span in server.spans()]
            test.equal((len(ids), len(set(ids))), (count, count), "spans received, and different")
            test.true(server.state()["requests"] <= count / 512 + 4, "small batches share requests")


def test_the_receiver_sees_what_was_made(test):
    with listening() as server:
        push(test, "-n", 1, "-z", "-H", "api-key=secret", server.url)
        span, headers = server.spans()[0], server.state()["headers"]
    test.equal(span["attributes"], {"order.customer.name": "a twenty byte string",
                                    "code.function.name": "shop::orders::process_order_line"})
    test.equal(span["resource"], {"process.pid": 1234, "service.name": "bench"})
    test.equal((span["kind"], span["end_ns"] - span["start_ns"]), (1, 1000000))
    test.equal((headers["Content-Encoding"], headers["api-key"]), ("gzip", "secret"))
    test.true(headers["User-Agent"].startswith("wftrace/"), "the user agent is wftrace")
    test.true("Expect" not in headers, "no Expect header")


def flat_json(line):
    """The golden OTLP JSON line in the receiver's flat form."""
    def value(any_value):
        (kind, inner), = any_value.items()
        if kind == "arrayValue":
            return [value(item) for item in inner["values"]]
        return int(inner) if kind == "intValue" else inner

    def attributes(message):
        return {pair["key"]: value(pair["value"]) for pair in message.get("attributes", [])}

    for resource in json.loads(line)["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for s in scope["spans"]:
                yield {
                    "name": s["name"], "trace_id": s["traceId"], "span_id": s["spanId"],
                    "parent_id": s.get("parentSpanId", ""), "kind": s["kind"], "flags": s.get("flags", 0),
                    "start_ns": int(s["startTimeUnixNano"]), "end_ns": int(s["endTimeUnixNano"]),
                    "status": s.get("status", {}).get("code", 0),
                    "status_message": s.get("status", {}).get("message", ""),
                    "scope": scope["scope"]["name"], "scope_version": scope["scope"]["version"],
                    "resource": attributes(resource["resource"]), "attributes": attributes(s),
                    "dropped_attributes": s.get("droppedAttributesCount", 0),
                    "dropped_events": s.get("droppedEventsCount", 0),
                    "events": [{"name": e["name"], "time_ns": int(e["timeUnixNano"]), "attributes": attributes(e)}
                               for e in s.get("events", [])],
                    "links": [{"trace_id": k["traceId"], "span_id": k["spanId"], "attributes": attributes(k)}
                              for k in s.get("links", [])],
                }


def test_the_golden_bytes_and_the_golden_json_say_the_same(test):
    golden = ROOT / "tests" / "golden"
    ran = subprocess.run([venv(), receiver.__file__, "check", golden / "otlp_spans.bin"], capture_output=True,
                         text=True, check=False)
    checked = json.loads(ran.stdout)
    test.equal(checked["problems"], [])
    test.equal(checked["spans"], list(flat_json((golden / "otlp_spans.json").read_text())))


def test_a_busy_receiver_is_obeyed_and_gets_every_span(test):
    with listening() as server:
        server.faults({"status": 429, "retry_after": "2"}, {"status": 503}, {"status": 502}, {"close": True})
        begin = time.monotonic()
        result = push(test, "-n", 2000, "-b", 500, "-s", 30000, server.url)
        test.equal((result["exported"], server.state()["spans"]), (2000, 2000))
        test.true(result["retries"] >= 3, "refused requests were sent again")
        test.true(time.monotonic() - begin > 2, "Retry-After was obeyed")
        test.equal(len(result.said), 2, f"one warning and its end: {result.said}")


def test_refused_spans_are_counted_and_the_reason_is_said(test):
    with listening() as server:
        server.faults({"partial": 3, "message": "too old"}, {"status": 400, "body": "no thanks"}, {"status": 500})
        result = push(test, "-n", 1536, "-b", 512, server.url)
        test.equal(result["lost_rejected"], 3 + 512 + 512)
        test.equal((result["exported"], server.state()["spans"]), (509, 509))
        test.true("too old" in result.said[0] or "no thanks" in result.said[0] or "500" in result.said[0],
                  f"a reason is given: {result.said}")


def test_a_wrong_path_is_named(test):
    with listening() as server:
        result = push(test, "-n", 10, server.url + "/api/traces")
        test.equal(result["lost_rejected"], 10)
        test.true("404" in result.said[0] and "/v1/traces" in result.said[0], result.said)


def test_a_grpc_port_is_named(test):
    with listening() as server:
        server.faults({"raw": HTTP2_HELLO, "times": 100})
        result = push(test, "-n", 10, server.url)
        test.equal(result["lost_rejected"], 10)
        test.true("gRPC" in result.said[0] and ":4318" in result.said[0], result.said)


def test_an_endless_answer_is_cut(test):
    with listening() as server:
        server.faults({"status": 400, "body": "x" * (5 << 20), "times": 100})
        result = push(test, "-n", 10, server.url)
        test.equal(result["lost_rejected"], 10)
        test.true("4 MiB" in result.said[0], result.said)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def test_a_dead_endpoint_blocks_nothing_and_loses_nothing_unnamed(test):
    result = push(test, "-n", 100000, "-b", 512, "-s", 1000, f"http://127.0.0.1:{free_port()}")
    test.true(result.raw["stop_ms"] < 2500, f"stopped in {result.raw['stop_ms']} ms")
    test.true(result.raw["push_max_us"] < 200000, f"a push took {result.raw['push_max_us']} us")
    test.equal(result["exported"], 0)
    test.equal(len(result.said), 1, f"said once: {result.said}")
    test.true("cannot deliver" in result.said[0], result.said)


def test_a_silent_endpoint_blocks_nothing(test):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen(16)
        result = push(test, "-n", 5000, "-b", 500, "-s", 1500, f"http://127.0.0.1:{s.getsockname()[1]}")
    test.true(result.raw["stop_ms"] < 3000, f"stopped in {result.raw['stop_ms']} ms")
    test.equal(result["lost_retries"], 5000)


def test_a_slow_attempt_times_out_and_is_tried_again(test):
    with listening() as server:
        server.faults({"delay": 3})
        result = push(test, "-n", 100, "-t", 500, "-s", 20000, server.url)
        test.equal(result["exported"], 100)
        test.equal(result["retries"], 1)


def test_a_full_queue_drops_the_oldest_and_counts_them(test):
    with listening() as server:
        server.faults({"delay": 1, "times": 1000})
        result = push(test, "-n", 30000, "-b", 500, "-q", 2 << 20, "-s", 8000, server.url)
        test.true(result["lost_queue_full"] > 1000, result.sinks)
        test.equal(server.state()["spans"], result["exported"])


def test_a_receiver_that_comes_late_gets_every_span(test):
    port = free_port()
    driver = test.spawn([make("push"), "-n", 1000, "-s", 30000, f"http://127.0.0.1:{port}"])
    said = driver.err.wait(lambda line: "cannot deliver" in line, 20)
    test.true(said, "the dead endpoint was said")
    with receiver.Receiver(venv(), port) as server:
        test.equal(driver.wait(40), 0)
        result = Result("", "\n".join(driver.err.all()))
        test.equal((result["exported"], server.state()["spans"]), (1000, 1000))
        test.true("takes spans again" in result.said[-1], result.said)


def test_leaving_tries_once_more_whatever_the_back_off(test):
    port = free_port()
    driver = test.spawn([make("push"), "-n", 1000, "-r", 100, "-b", 20, "-s", 1000, f"http://127.0.0.1:{port}"])
    test.true(driver.err.wait(lambda line: "cannot deliver" in line, 20), "the dead endpoint was said")
    test.wait_age(4)  # the back-off is now longer than the time left at the end, six seconds from now
    with receiver.Receiver(venv(), port) as server:
        test.equal(driver.wait(40), 0)
        result = Result("", "\n".join(driver.err.all()))
        test.equal((result["exported"], server.state()["spans"]), (1000, 1000))


def test_a_dead_destination_does_not_hold_back_the_others(test):
    path = test.dir / "spans.jsonl"
    with listening() as server:
        result = push(test, "-n", 5000, "-b", 512, "-s", 1000, f"http://127.0.0.1:{free_port()}", server.url,
                      f"file:{path}")
        dead, good, file = result.sinks
        test.equal((dead["exported"], good["exported"], file["exported"]), (0, 5000, 5000))
        test.equal(server.state()["spans"], 5000)
    spans = [span for line in path.read_text().splitlines() for span in flat_json(line)]
    test.equal(len({span["span_id"] for span in spans}), 5000)
    test.equal(path.stat().st_mode & 0o777, 0o600, "mode of the file")


def test_a_pipe_gets_one_object_a_span(test):
    result = push(test, "-n", 3000, "-b", 512, "console")
    spans = [json.loads(line) for line in result.out.splitlines()]
    test.equal(len({span["span_id"] for span in spans}), 3000)
    test.equal(spans[0]["service"], "bench")


def test_a_full_disk_keeps_whole_lines_and_is_said_once(test):
    if os.geteuid() != 0:
        raise Skip("needs root to mount a small file system")
    disk = test.dir / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", disk], capture_output=True,
                             check=False)
    if mounted.returncode:
        raise Skip("cannot mount a tmpfs here")
    test.undo.append(lambda: subprocess.run(["umount", disk], check=False))
    path = disk / "spans.jsonl"
    result = push(test, "-n", 5000, "-b", 100, f"file:{path}")
    kept = [span for line in path.read_text().splitlines() for span in flat_json(line)]
    test.true(0 < result["exported"] < 5000, f"some fit: {result.sinks}")
    test.equal(len(kept), result["exported"], "whole lines in the file")
    test.equal(result["lost_write"], 5000 - len(kept))
    test.equal(len(result.said), 1, f"said once: {result.said}")
    test.true(str(path) in result.said[0] and "No space left" in result.said[0], result.said)
