# SPDX-License-Identifier: Apache-2.0
"""Log records of Python programs: with the span they were written in, to every kind of destination."""
import json
import signal
import sys
from collections import Counter

from harness import EXIT_FAILED, EXIT_USAGE, OUT, Skip
from otlp_wire import Receiver
from receiver import LOGS, Receiver as ForeignReceiver, venv_python
from shop import PROGRAMS, few, newest, tell, trace

PROFILE = """
wftrace: 1
profile: kiosk
spans:
  - function: [__main__:log, __main__:Desk.serve]
logs:
  - {logger: kiosk.*, level: %s}
"""


def profile(t, level="info", text=PROFILE):
    path = t.dir / "logs.yaml"
    path.write_text(text % level)
    return ["--profile", str(path)]


def kiosk(t, python, *says, level="info", check=True):
    spans, target = trace(t, python, [], *profile(t, level), says=says, check=check, program="kiosk.py")
    return spans, spans.logs, target


def test_each_in_its_span(t):
    for python in few(t):
        spans, logs, target = kiosk(t, python, "logs 3")
        owners = {s.id: s for s in spans.named("__main__.log")}
        t.equal(Counter((x["severity"], x["body"], x["span_id"] in owners) for x in logs),
                Counter({("WARNING", "shelf 0% is empty", True): 1, ("WARNING", "shelf 1% is empty", True): 1,
                         ("WARNING", "shelf 2% is empty", True): 1, ("ERROR", "it failed", True): 3,
                         ("ERROR", "outside of all spans", False): 1}), python)
        for log in logs:
            if log["span_id"]:
                owner = owners[log["span_id"]]
                t.equal(log["trace_id"], owner.trace, python)
                t.true(owner.raw["time"] <= log["time"], f"{python}: {log}")
        failed = [x for x in logs if x["body"] == "it failed"][0]
        t.equal((failed["logger"], failed["severity_number"], failed["attributes"]["exception.type"],
                 failed["attributes"]["code.function.name"]), ("kiosk.desk", 17, "RuntimeError", "log"), python)
        t.true("in refuse" in failed["attributes"]["exception.stacktrace"], f"{python}: {failed}")
        t.equal((spans.ledger["logs.written"], spans.ledger["logs.out"]), (7, 7), python)
        target.go("end")
        t.equal((target.finish()[1], target.err.all()), (0, []), python)


def test_levels_and_coroutines_that_take_turns(t):
    for python in few(t):
        spans, logs, _ = kiosk(t, python, "crowd 20", "logs 2", level="info")
        serve = {s.id for s in spans.named("__main__.Desk.serve")}
        t.equal(Counter(x["span_id"] in serve for x in logs if x["severity"] == "INFO"), Counter({True: 20}), python)
        t.equal(len({x["span_id"] for x in logs if x["severity"] == "INFO"}), 20, f"{python}: one each")
        spans, logs, _ = kiosk(t, python, "crowd 3", "logs 2", level="error")
        t.equal(Counter(x["severity"] for x in logs), Counter({"ERROR": 3}), python)


WRITTEN = """
wftrace: 1
profile: parcel
spans: [{function: __main__:complain}]
logs: [{level: %s, write_ids: true}]
"""


def test_ids_on_the_record_itself(t):
    for python in few(t):
        target = t.start([python, PROGRAMS / "parcel.py"])
        t.equal(tell(target, "complain"), "-/-", f"{python}: before")
        tracer = t.attach(target, [], *profile(t, text=WRITTEN))
        shown = tell(target, "complain")
        log, = tracer.stop().logs
        t.equal(shown, f"{log['trace_id']}/{log['span_id']}", python)
        t.equal((log["body"], log["attributes"]["wftrace.log.template"]), ("it is late", "it is %s"), python)
        t.equal(tell(target, "complain"), "-/-", f"{python}: after")


def test_to_an_otlp_receiver(t):
    to = Receiver()
    t.undo.append(to.close)
    target = t.start([newest(), PROGRAMS / "kiosk.py"])
    tracer = t.attach(target, [], *profile(t), "--to", to.url, "--service-name", "kiosk", json_lines=False)
    tell(target, "logs 3")
    tracer.stop(check=False)
    ledger = tracer.read_ledger()
    t.equal((ledger["balanced"], ledger["sinks"][0]["logs_in"], ledger["sinks"][0]["logs_exported"]), (True, 7, 7))
    spans = {s["span_id"]: s for s in to.accepted()}
    t.equal({path for path, *_ in to.requests}, {"/v1/traces", "/v1/logs"})
    t.equal(Counter((x["severity"], x["severity_number"], x["span_id"] in spans) for x in to.logs),
            Counter({("WARNING", 13, True): 3, ("ERROR", 17, True): 3, ("ERROR", 17, False): 1}))
    for log in to.logs:
        t.equal((log["resource"]["service.name"], log["logger"]), ("kiosk", "kiosk.desk"))
        if log["span_id"]:
            t.equal(log["trace_id"], spans[log["span_id"]]["trace_id"])
            t.true(spans[log["span_id"]]["start"] <= log["time"] <= spans[log["span_id"]]["end"], f"{log}")


def refusing(t, *faults):
    """Seven log records and three spans to a receiver with faults: (its state, the destination's counts, messages)."""
    try:
        python = venv_python(OUT)
    except OSError as e:
        raise Skip(f"the receiver cannot be installed here: {e}") from None
    with ForeignReceiver(python) as to:
        to.faults(*faults)
        target = t.start([newest(), PROGRAMS / "kiosk.py"])
        tracer = t.attach(target, [], *profile(t), "--to", to.url, json_lines=False)
        tell(target, "logs 3")
        tracer.signal(signal.SIGINT)
        t.equal(tracer.wait(60), EXIT_FAILED if faults else 0, "exit code: " + "; ".join(tracer.err.lines[-4:]))
        ledger, state = tracer.read_ledger(), to.state()
        t.equal((ledger["balanced"], state["problems"], state["spans"]), (True, [], 3), f"{faults}")
        return state, ledger["sinks"][0], "\n".join(tracer.err.all())


def test_what_a_receiver_rejects_is_a_failure(t):
    """As with spans: the exit code, the closing lines and the ledger tell how many, and why."""
    state, counts, _ = refusing(t)
    t.equal((state["logs"], counts["logs_exported"], counts["logs_lost"]), (7, 7, 0))
    state, counts, said = refusing(t, {"path": LOGS, "partial": 2, "message": "too old"})
    t.equal((state["logs"], counts["logs_exported"], counts["logs_lost"], counts["logs_rejected"]), (5, 5, 2, 2))
    for words in ("refused some log records: too old", "2 logs lost, 2 of these refused",
                  "2 of 7 log records were not exported"):
        t.true(words in said, f"{words!r} is not in {said}")
    state, counts, said = refusing(t, {"path": LOGS, "status": 400, "body": "no logs here"})
    t.equal((state["logs"], counts["logs_exported"], counts["logs_rejected"]), (0, 0, 7))
    t.true("answered 400" in said and "7 of 7 log records were not exported" in said, said)


def test_on_the_console_below_their_span(t):
    target = t.start([newest(), PROGRAMS / "kiosk.py"])
    tracer = t.attach(target, [], *profile(t), "--to", "console", json_lines=False)
    tell(target, "logs 1")
    tracer.stop(check=False)
    lines = tracer.out.all()
    at = next(i for i, line in enumerate(lines) if "__main__.log" in line)
    t.true("WARNING" in lines[at + 1] and "shelf 0% is empty" in lines[at + 1], f"{lines}")
    t.true("ERROR" in lines[at + 2] and "it failed" in lines[at + 2], f"{lines}")


def test_into_a_file_and_again_from_a_recording(t):
    path, record = t.dir / "out.json", t.dir / "logs.wft"
    target = t.start([newest(), PROGRAMS / "kiosk.py"])
    ledger = t.dir / "record.json"
    tracer = t.keep_tracer([t.wftrace_path(), "record", "-p", target.target_pid, "-o", record, "--ledger", ledger,
                            *profile(t)], ledger)
    tell(target, "logs 2")
    tracer.stop(check=False)
    status, out, err = t.wftrace("replay", record, "--to", f"file:{path}")
    t.equal(status, 0, "\n".join(err))
    found = [json.loads(line) for line in path.read_text().splitlines()]
    bodies = [log["body"]["stringValue"] for line in found for r in line.get("resourceLogs", ())
              for s in r["scopeLogs"] for log in s["logRecords"]]
    t.equal(sorted(bodies), ["it failed"] * 2 + ["outside of all spans", "shelf 0% is empty", "shelf 1% is empty"])
    status, out, err = t.wftrace("replay", record, "--json")
    t.equal((status, sum('"type":"log"' in line for line in out)), (0, 5), "\n".join(err))


def test_logs_alone_are_refused(t):
    path = t.dir / "alone.yaml"
    path.write_text("wftrace: 1\nprofile: x\nlogs: [{level: info}]\n")
    status, _, err = t.wftrace("attach", "-p", "1", "--profile", str(path))
    t.equal(status, EXIT_USAGE, "\n".join(err))
    t.true(any("name a Python function" in line for line in err), f"{err}")


for _test in [v for n, v in list(vars(sys.modules[__name__]).items()) if n.startswith("test_")]:
    _test.deadline = 300
