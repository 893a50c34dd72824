# SPDX-License-Identifier: Apache-2.0
"""`run` with its promises (user, environment, signals, status), `record` and `replay`, `list`, `doctor`."""
import json
import os
import signal

from harness import Failure
from spans import Trace

TRIO = ["tr_outer", "tr_mid", "tr_leaf"]
TRIO_1000 = {(None, "tr_outer"): 1000, ("tr_outer", "tr_mid"): 1000, ("tr_mid", "tr_leaf"): 1000}


def rules(names=TRIO):
    return [word for name in names for word in ("-f", name)]


def run_command(t, command, *options, env=None, names=TRIO, wrap=(), stdin=b"go\n", hold=None):
    """wftrace run: (process, path of its own output, path of its ledger). hold gets the end of stdin to write to."""
    t.need_wftrace()
    spans, ledger = t.dir / "spans.jsonl", t.dir / "ledger.json"
    reader, writer = os.pipe()
    if hold is None:
        os.write(writer, stdin)
        os.close(writer)
    else:
        hold.append(writer)
    process = t.spawn([*wrap, t.wftrace_path(), "run", *rules(names), "--json", "-o", spans, "--ledger", ledger, *options,
                       "--", *command], stdin=reader, env=env)
    os.close(reader)
    return process, spans, ledger


def finished(spans, ledger):
    trace = Trace.load(spans, ledger)
    trace.check()
    return trace


def test_run_traces_from_the_first_instruction(t):
    process, spans, ledger = run_command(t, [t.build("trio.c"), "1000"])
    t.equal(process.wait(), 0, "status")
    t.equal(process.out.all()[-1], "round 0 total 1499500", "the command's stdout")
    t.edges(finished(spans, ledger), TRIO_1000)


def test_run_ends_with_the_status_of_its_command(t):
    for script, want in (("exit 7", 7), ("kill -TERM $$", 128 + 15), ("kill -KILL $$", 128 + 9)):
        trio = t.build("trio.c")
        process, *_ = run_command(t, ["sh", "-c", f'echo go | "$0" 10 >/dev/null; {script}', trio])
        t.equal(process.wait(), want, f"status after {script!r}")


def test_run_follows_a_shell_into_its_children(t):
    hold = []
    process, spans, ledger = run_command(t, ["sh", "-c", '"$0" 1000 >/dev/null; exit 0', t.build("trio.c")], hold=hold)
    said = process.err.wait(lambda line: "more functions" in line, 20.0)
    t.equal(said, "wftrace: tracing 3 more functions", "said of the child")
    os.write(hold[0], b"go\n")
    os.close(hold[0])
    t.equal(process.wait(), 0, "status")
    t.edges(finished(spans, ledger), TRIO_1000)


def test_run_forwards_signals(t):
    script = 'trap "echo got it; exit 5" USR1; echo started; while :; do sleep 0.05; done'
    process, *_ = run_command(t, ["sh", "-c", script], names=["main"])
    if not process.out.wait(lambda line: line == "started", 30):
        raise Failure("the command never started: " + "; ".join(process.describe()))
    process.signal(signal.SIGUSR1)
    t.equal(process.wait(), 5, "status")
    t.true("got it" in process.out.all(), "the signal reached the command")


def test_run_as_the_invoking_user(t):
    """Under sudo the command gets the caller's ids and groups, and no capability."""
    env = {**os.environ, "SUDO_UID": "65534", "SUDO_GID": "65534", "SUDO_USER": "nobody", "WF_E2E": "kept"}
    script = 'id -u; id -g; id -G; grep CapEff /proc/self/status; echo "$WF_E2E"; pwd'
    os.chmod(t.dir, 0o755)
    process, *_ = run_command(t, ["sh", "-c", script], names=["main"], env=env)
    t.equal(process.wait(), 0, "status")
    out = process.out.all()
    t.equal(out[:3], ["65534", "65534", "65534"], "uid, gid, groups")
    t.equal(out[3].split()[1].strip("0"), "", "capabilities")
    t.equal(out[4:], ["kept", str(t.dir)], "environment and directory")


def test_run_does_not_leak_descriptors(t):
    process, *_ = run_command(t, ["ls", "/proc/self/fd"], names=["main"])
    t.equal(process.wait(), 0, "status")
    t.equal(process.out.all(), ["0", "1", "2", "3"], "descriptors of the command, with the folder that it reads")


def recorded(t, program, names, *options):
    """Record a run of a program: the path of the recording."""
    t.need_wftrace()
    path, ledger = t.dir / "capture.wft", t.dir / "record.json"
    target = t.start(program)
    recorder = t.keep_tracer([t.wftrace_path(), "record", "-p", str(target.target_pid), *rules(names), "-o", path,
                              "--ledger", ledger, *options], ledger)
    target.go()
    t.equal(target.finish()[1], 0, "exit status")
    recorder.stop()
    t.equal(oct(os.stat(path).st_mode & 0o777), "0o600", "mode of the recording")
    return path


def replay(t, path, *options, wrap=()):
    ledger = t.dir / "replay.json"
    if ledger.exists():
        ledger.unlink()
    status, out, err = t.wftrace("replay", str(path), "--json", "--ledger", str(ledger), *options, wrap=wrap)
    t.equal(status, 0, f"status of replay: {err}")
    return Trace(out, json.loads(ledger.read_text()), err), out


def test_replay_is_byte_for_byte(t):
    path = recorded(t, [t.build("throw.cc"), "throw"], [*TRIO, "tr_after"])
    trace, first = replay(t, path)
    trace.check()
    t.edges(trace, {
        (None, "tr_outer"): 1000, ("tr_outer", "tr_mid"): 1000, ("tr_mid", "tr_leaf"): 500, (None, "tr_after"): 500})
    _, second = replay(t, path)
    t.equal(second, first, "two replays of one recording")


def test_replay_needs_no_privileges(t):
    path = recorded(t, [t.build("trio.c"), "1000"], TRIO)
    os.chmod(path, 0o644)
    os.chmod(t.dir, 0o777)
    trace, _ = replay(t, path, wrap=["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"])
    t.edges(trace, TRIO_1000)


def test_truncated_recording(t):
    """What is whole is replayed; that the end is missing is said."""
    path = recorded(t, [t.build("trio.c"), "1000"], TRIO)
    whole = path.read_bytes()
    path.write_bytes(whole[:len(whole) * 2 // 3])
    status, out, err = t.wftrace("replay", str(path), "--json")
    t.equal(status, 1, f"status: {err}")
    t.true(any("capture.wft" in line for line in err), f"the damage is not told: {err}")
    t.true(100 < len(out) < 3000, f"{len(out)} spans of the whole part")


def test_list(t):
    t.need_wftrace()
    program = t.build("tail.c")
    status, out, err = t.wftrace("list", "-x", str(program), "tr_*")
    t.equal((status, err), (0, []), "status and stderr")
    for name in ("tr_wrapper", "tr_target", "tr_hooked", "tr_caller"):
        t.true(any(name in line for line in out), f"{name} is not listed: {out}")
    status, out, err = t.wftrace("list", "-x", str(program), "tr_*", "--json")
    t.equal((status, err), (0, []), "status and stderr")
    found = [json.loads(line) for line in out] if len(out) > 1 else json.loads(out[0])
    t.true(len(found) >= 12, f"functions listed as JSON: {found}")


def test_list_names_what_frames_are_handed_over_to(t):
    t.need_wftrace()
    program = t.build("tail.c")
    target = t.start([program, "1"])
    listed = t.wftrace("list", "-x", str(program), "tr_*")
    dry = t.wftrace("attach", "-p", str(target.target_pid), "-f", "tr_*", "--dry-run")
    for status, out, err in (listed, dry):
        t.equal(status, 0, f"status: {err}")
        for name, words in (("tr_wrapper", "handed over to tr_target"), ("tr_chain_a", "handed over to tr_chain_b"),
                            ("tr_hooked", "handed over to tr_standard"), ("tr_hooked", "ends at a jump through a pointer")):
            t.true(any(line.split()[:1] == [name] and words in line for line in out), f"{name}: no {words!r} in {out}")


def test_list_of_a_process(t):
    t.need_wftrace()
    target = t.start([t.build("trio.c"), "1"])
    status, out, _ = t.wftrace("list", "-p", str(target.target_pid), "tr_*")
    t.equal(status, 0, "status")
    t.true(all(any(name in line for line in out) for name in TRIO), f"not all functions are listed: {out}")


def test_doctor(t):
    t.need_wftrace()
    target = t.start([t.build("trio.c"), "1"])
    status, out, err = t.wftrace("doctor", "-p", str(target.target_pid), "-f", "tr_mid")
    t.equal((status, err), (0, []), "status and stderr")
    t.true(any("tr_mid" in line for line in out), f"the function is not told of: {out}")
    status, out, _ = t.wftrace("doctor", "--json")
    t.equal(status, 0, "status")
    t.true(out and all(isinstance(json.loads(line), dict) for line in out), "JSON objects, one a line")


def test_a_command_that_executes_the_same_file_again(t):
    status, _, err = t.wftrace("run", "-f", "nothing_at_all", "-o", t.dir / "out", "--", "sh", "-c",
                               'exec sh -c "exec sh -c \'exit 3\'"', timeout=20)
    t.equal(status, 3, "\n".join(err))
