# SPDX-License-Identifier: Apache-2.0
"""A recording under another profile: what was captured is used, what is missing is named."""
import json

from spans import Trace
from test_run import recorded

CAPTURED = ["tr_outer(x=arg1:i64)", "tr_mid", "tr_leaf(x=arg1:i64, r=return:i64)"]
PROFILE = """wftrace: 1
profile: other
spans:
  - function: tr_outer
    name: "request"
    kind: server
    attributes: {number: arg1:i64, text: arg2:str}
  - function: 'tr_l*'
    name: "leaf"
    kind: client
    when: arg1:i64 >= 10
    attributes: {result: return:i64, twice: arg1:i64}
    error: return:i64 == 999
  - function: tr_none
"""


def replayed(t, path, *options, status=0):
    """(Trace, stderr) of a replay; its ledger must balance and say what was left out."""
    ledger = t.dir / "replay.json"
    ledger.unlink(missing_ok=True)
    got, out, err = t.wftrace("replay", str(path), "--json", "--ledger", str(ledger), *options)
    t.equal(got, status, f"status of replay: {err}")
    if status:
        return None, err
    trace = Trace(out, json.loads(ledger.read_text()), err)
    trace.check()
    return trace, err


def test_replay_under_another_profile(t):
    path = recorded(t, [t.build("trio.c"), "1000"], CAPTURED)
    profile = t.dir / "other.yaml"
    profile.write_text(PROFILE)
    trace, err = replayed(t, path, "--profile", str(profile))
    t.edges(trace, {(None, "request"): 1000, ("request", "leaf"): 990})
    t.equal(trace.ledger["dropped_by_rule"], 1000 + 10, "spans that no rule wants")
    numbers = sorted(span.attr("number") for span in trace.named("request"))
    t.equal(numbers, list(range(1000)), "values under their new name")
    for span in trace.named("leaf"):
        t.equal((span.attr("result"), span.kind, span.error),
                (span.attr("twice"), "client", span.attr("twice") == 999), "a leaf")
    t.equal({span.attr("text") for span in trace.spans}, {None}, "what was not captured")
    said = [line.split(": ", 2)[2] for line in err if line.startswith("wftrace: not captured")
            or line.startswith("wftrace: filtered")]
    t.equal(len([line for line in said if line.endswith("arg2:str")]), 1, f"one line for arg2:str: {said}")
    t.equal(len([line for line in said if "nothing that was recorded" in line]), 1, f"one line for tr_none: {said}")
    t.equal(len(said), 2, f"lines about what is missing: {said}")


def test_replay_of_inner_functions_only(t):
    """Each of them begins a trace of its own, as if the outer ones had never been traced."""
    path = recorded(t, [t.build("trio.c"), "100"], CAPTURED)
    trace, _ = replayed(t, path, "-f", "tr_leaf", "-f", "tr_mid")
    t.edges(trace, {(None, "tr_mid"): 100, ("tr_mid", "tr_leaf"): 100})
    t.equal(len({span.trace for span in trace.spans}), 100, "traces")


def test_replay_names_what_was_filtered_at_capture(t):
    path = recorded(t, [t.build("trio.c"), "100"], ["tr_outer when arg1:i64 < 50", "tr_leaf"])
    trace, err = replayed(t, path, "-f", "tr_outer")
    t.equal(len(trace.spans), 50, "spans")
    t.equal(len([line for line in err if "filtered at capture" in line and "arg1:i64 < 50" in line]), 1,
            f"the condition is named: {err}")
    _, err = replayed(t, path, "-f", "tr_other", status=4)
    t.true(any("tr_other" in line for line in err), f"what is not there is named: {err}")


def test_replay_of_threads_and_exceptions(t):
    path = recorded(t, [t.build("throw.cc"), "throw"], ["tr_outer", "tr_mid", "tr_leaf", "tr_after"])
    trace, _ = replayed(t, path, "-f", "tr_outer", "-f", "tr_leaf")
    t.edges(trace, {(None, "tr_outer"): 1000, ("tr_outer", "tr_leaf"): 500})


def test_replay_gives_the_service_another_name(t):
    path = recorded(t, [t.build("trio.c"), "10"], ["tr_leaf"])
    out = t.dir / "spans.jsonl"
    status, _, err = t.wftrace("replay", str(path), "--to", f"file:{out}", "--service-name", "shop",
                               "--resource", "team=blue")
    t.equal(status, 0, f"status of replay: {err}")
    resource = json.loads(out.read_text().splitlines()[0])["resourceSpans"][0]["resource"]["attributes"]
    values = {pair["key"]: pair["value"] for pair in resource}
    t.equal(values["service.name"], {"stringValue": "shop"}, "service.name")
    t.equal(values["team"], {"stringValue": "blue"}, "team")
