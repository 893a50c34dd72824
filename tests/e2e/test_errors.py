# SPDX-License-Identifier: Apache-2.0
"""Bad input: one clear line on stderr, the right exit code, nothing left behind and nothing lost."""
import os
import shutil
import signal
import struct

from harness import Skip
from probes import probed

DONE, FAILED, USAGE, CANNOT, NOTHING, BEFORE_START = 0, 1, 2, 3, 4, 125


def refuse(t, status, words, *args, details=False, **more):
    """
    wftrace ends with this status and says exactly one line, which holds all of the words; a dead end
    may be followed by indented lines that tell the way out.
    """
    got, out, err = t.wftrace(*args, **more)
    said = "\n".join(err)
    head = [line for line in err if not (details and line.startswith(" "))]
    t.true(len(head) == 1 and head[0].startswith("wftrace: "), f"not one line that begins with `wftrace: `: {said!r}")
    for word in words:
        t.true(word in said, f"{word!r} is not in the message: {said!r}")
    t.equal(got, status, f"exit code after {said!r}")
    t.equal(out, [], "output")


def idle(t):
    """A target that only waits, for messages about rules."""
    return str(t.start([t.build("trio.c"), "1"]).target_pid)


def test_usage_errors(t):
    for args, words in (
            ([], ["wftrace --help"]), (["frobnicate"], ["frobnicate"]), (["attch"], ["attach"]),
            (["attach"], ["-p"]), (["attach", "-p", "abc", "-f", "x"], ["abc"]),
            (["attach", "-p", "0", "-f", "x"], ["0"]), (["attach", "-p", "-5", "-f", "x"], ["-5"]),
            (["attach", "--no-such-option"], ["--no-such-option"]), (["attach", "-p"], ["-p"]),
            (["attach", "--folow"], ["--folow"]), (["attach", "-p", "1", "-d", "5x"], ["5x"]),
            (["attach", "-p", "1", "--slower", "fast"], ["fast"]), (["attach", "-p", "1", "--depth", "-1"], ["-1"]),
            (["attach", "-p", "1", "-f", "x", "--to", "ftp://host"], ["ftp"])):
        refuse(t, USAGE, words, *args)


def test_help_and_version(t):
    for args in (["--help"], ["attach", "--help"], ["--version"]):
        status, out, err = t.wftrace(*args)
        t.equal((status, err), (DONE, []), f"status and stderr of {args}")
        t.true(out, f"{args} says nothing")


def test_later_versions_are_refused_by_name(t):
    pid = idle(t)
    for args, word in (
            (["attach", "-p", pid, "-f", "tr_mid", "-c", "file.yaml"], "-c"),
            (["attach", "-p", pid, "-f", "tr_mid", "--sample", "0.5"], "--sample"),
            (["attach", "-p", pid, "-f", "tr_mid", "--budget", "1"], "--budget"),
            (["attach", "-p", pid, "-f", "tr_mid", "--errors"], "--errors"),
            (["attach", "-p", pid, "-f", "tr_mid", "--to", "grpc://localhost:4317"], "gRPC"),
            (["agent", "-c", "file.yaml"], "agent"), (["top"], "top"), (["report", "file"], "report"),
            (["config", "check"], "config")):
        refuse(t, USAGE, [word, "version"], *args)


def test_no_such_process(t):
    refuse(t, FAILED, ["4194000"], "attach", "-p", "4194000", "-f", "tr_mid")
    refuse(t, FAILED, ["wf-no-such-name"], "attach", "-n", "wf-no-such-name", "-f", "tr_mid")


def test_process_gone_meanwhile(t):
    gone = t.spawn(["true"])
    gone.wait()
    refuse(t, FAILED, [str(gone.pid)], "attach", "-p", str(gone.pid), "-f", "tr_mid")


def test_zombie(t):
    pid = os.fork()
    if not pid:
        os._exit(0)
    t.wait(lambda: open(f"/proc/{pid}/stat", encoding="utf-8").read().rsplit(")", 1)[1].split()[0] == "Z", "a zombie")
    refuse(t, FAILED, [str(pid)], "attach", "-p", str(pid), "-f", "tr_mid")
    os.waitpid(pid, 0)


def test_kernel_thread(t):
    t.need_wftrace()
    with open("/proc/2/stat", encoding="utf-8") as f:
        if f.read().split()[3] != "0":
            raise Skip("no kernel thread is visible here")
    refuse(t, FAILED, ["2", "kernel thread"], "attach", "-p", "2", "-f", "tr_mid")


def test_wftrace_itself_and_its_own_pid(t):
    target = t.start([t.build("busy.c")])
    tracer = t.attach(target, ["tr_mid"])
    refuse(t, FAILED, ["wftrace"], "attach", "-p", str(tracer.pid), "-f", "main", "-d", "1s")
    tracer.stop()


def elf32(path):
    """A static 32-bit program that waits for a signal: pause() in a loop."""
    code = bytes([0xB8, 29, 0, 0, 0, 0xCD, 0x80, 0xEB, 0xF7])
    base, start = 0x08048000, 84
    head = b"\x7fELF\x01\x01\x01" + bytes(9) + struct.pack(
        "<HHIIIIIHHHHHH", 2, 3, 1, base + start, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    load = struct.pack("<IIIIIIII", 1, 0, base, base, start + len(code), start + len(code), 5, 4096)
    path.write_bytes(head + load + code)
    path.chmod(0o755)
    return path


def test_32_bit_process(t):
    program = elf32(t.dir / "small")
    refuse(t, FAILED, ["32-bit"], "list", "-x", str(program))
    try:
        process = t.spawn([program])
    except OSError as e:
        raise Skip(f"this kernel runs no 32-bit program ({e}); the file was refused") from None
    t.wait(lambda: os.readlink(f"/proc/{process.pid}/exe") == str(program) or not process.alive(), "the program runs")
    if not process.alive():
        raise Skip("this kernel runs no 32-bit program; the file was refused")
    refuse(t, FAILED, ["32-bit"], "attach", "-p", str(process.pid), "-f", "main")


def test_nothing_matched(t):
    pid = idle(t)
    refuse(t, NOTHING, ["tr_outr", "tr_outer"], "attach", "-p", pid, "-f", "tr_outr", details=True)
    refuse(t, NOTHING, ["did you mean", "'pthread_create'"], "attach", "-p", pid, "-f", "pthread_craete", details=True)
    refuse(t, NOTHING, ["nothing_like_it"], "attach", "-p", pid, "-f", "nothing_like_it*", details=True)
    refuse(t, NOTHING, ["libnone"], "attach", "-p", pid, "-f", "tr_mid@libnone*", details=True)
    refuse(t, NOTHING, ["nope"], "attach", "-p", pid, "-f", "usdt:nope:probe", details=True)


def test_stripped_program_says_the_way_out(t):
    program = t.build("trio.c", flags=("-O2", "-s"))
    target = t.start([program, "1"])
    got, _, err = t.wftrace("attach", "-p", str(target.target_pid), "-f", "tr_mid")
    said = "\n".join(err)
    t.equal(got, NOTHING, f"exit code after {said!r}")
    for word in ("tr_mid", "trio", "--debug-dir"):
        t.true(word in said, f"{word!r} is not in the message: {said!r}")


def test_strict_and_partly_matched(t):
    t.need_wftrace()
    target = t.start([t.build("trio.c"), "10"])
    got, _, err = t.wftrace("attach", "-p", str(target.target_pid), "-f", "tr_mid", "-f", "tr_none", "--strict")
    t.equal(got, NOTHING, "exit code with --strict")
    t.true(any("tr_none" in line for line in err), f"the missing function is not named: {err}")
    tracer = t.attach(target, ["tr_mid", "tr_none"])
    t.true(any("tr_none" in line for line in tracer.err.lines), f"the missing function is not named: {tracer.err.lines}")
    target.go()
    t.equal(target.finish()[1], 0, "exit status")
    t.equal(len(tracer.stop().spans), 10, "spans")


def test_wrong_rules(t):
    pid = idle(t)
    for rule, words in (
            ("", []), ("tr_mid(", []), ("tr_mid(a=)", []), ("tr_mid(a=arg1:i33)", ["i33", "i32"]),
            ("tr_mid(a=argx)", ["argx"]), ("tr_mid as", ["as"]), ("tr_mid kind sever", ["sever", "server"]),
            ("tr_mid when arg1:i64 >", []), ("tr_mid slower fast", ["fast"]), ("tr_mid whn arg1:i64 > 1", ["whn", "when"]),
            ("tr_mid(a=arg1:str) extra", ["extra"]), ("usdt:only", [])):
        refuse(t, USAGE, words, "attach", "-p", pid, "-f", rule)


def test_wrong_profiles(t):
    pid = idle(t)
    head = "wftrace: 1\nprofile: p\nspans:\n"
    for text, words in (
            (head + "  - functon: tr_mid\n", [":4:5", "functon", "function"]),
            (head + "  - function: tr_mid\n    kind: sever\n", [":5:11", "sever", "server"]),
            (head + "  - function: tr_mid\n    when: arg1:i33 > 2\n", [":5:", "i33"]),
            (head + "  - function: tr_mid\n   name: [\n", [":"]),
            ("profile: p\nspans: []\n", ["wftrace"]), ("wftrace: 9\nprofile: p\nspans: []\n", [":1:10", "9"]),
            ("", []), ("\x00\x01", [])):
        path = t.dir / "wrong.yaml"
        path.write_text(text)
        refuse(t, USAGE, ["wrong.yaml", *words], "attach", "-p", pid, "--profile", str(path))
    refuse(t, USAGE, ["no-such-profile"], "attach", "-p", pid, "--profile", "no-such-profile")
    refuse(t, USAGE, ["/no/such/file.yaml"], "attach", "-p", pid, "--profile", "/no/such/file.yaml")


def test_hostile_files(t):
    """Truncated and damaged ELF files and recordings."""
    t.need_wftrace()
    whole = t.build("trio.c").read_bytes()
    path = t.dir / "hostile"
    for size in (0, 3, 16, 63, 64, 200, len(whole) // 2):
        path.write_bytes(whole[:size])
        refuse(t, FAILED, ["hostile"], "list", "-x", str(path), "tr_*", details=True)
    for text in (b"", b"no recording", bytes(4096), os.urandom(4096)):
        path.write_bytes(text)
        refuse(t, FAILED, ["hostile"], "replay", str(path))
    refuse(t, FAILED, ["/no/such/file"], "list", "-x", "/no/such/file")
    refuse(t, FAILED, ["/no/such/file"], "replay", "/no/such/file")


def test_without_privileges(t):
    t.need_wftrace()
    target = t.start([t.build("trio.c"), "1"])
    own = shutil.copy(t.wftrace_path(), t.dir / "wftrace")
    got, _, err = t.wftrace("attach", "-p", str(target.target_pid), "-f", "tr_mid", program=own,
                            wrap=["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all",
                                  "--bounding-set=-all"])
    said = "\n".join(err)
    t.equal(got, CANNOT, f"exit code after {said!r}")
    t.true(len(err) == 1 and "CAP_" in said.upper().replace("CAPABILIT", "CAP_"), f"one line that names what is missing: {said!r}")


def traced_to(t, destination, wrap=()):
    """1,000 calls sent to a destination: (ledger, stderr, status)."""
    target = t.start([t.build("trio.c"), "1000"])
    tracer = t.attach(target, ["tr_mid"], "--to", destination, json_lines=False, wrap=wrap)
    target.go()
    t.equal(target.finish(), (["round 0 total 1499500"], 0), "output and status of the target")
    tracer.signal(signal.SIGINT)
    status = tracer.wait(40)
    ledger = tracer.read_ledger()
    t.equal(ledger["balanced"], True, "balanced")
    t.equal(ledger["completed"], 1000, "completed")
    return ledger, tracer.err.all(), status


def sink(ledger):
    """The one destination's counters."""
    sinks = ledger.get("sinks") or ledger.get("destinations")
    return sinks[0] if isinstance(sinks, list) else next(iter(sinks.values()))


def test_unreachable_endpoint(t):
    """Nobody listens: said once or twice, the spans are counted as lost, and wftrace ends in time."""
    ledger, err, status = traced_to(t, "http://127.0.0.1:9/v1/traces")
    counts = sink(ledger)
    t.equal((counts["spans_in"], counts["exported"]), (1000, 0), "spans given and exported")
    t.equal(sum(v for k, v in counts.items() if k.startswith("lost_")), 1000, "spans counted as lost")
    t.true(1 <= len([line for line in err if "127.0.0.1:9" in line]) <= 5, f"messages about the endpoint: {err}")
    t.equal(status, FAILED, "exit code")


FULL_DISK = 'mount -t tmpfs -o size=64k none "$0" && exec "$@"'


def test_full_disk(t):
    disk = t.dir / "disk"
    disk.mkdir()
    ledger, err, status = traced_to(t, f"file:{disk}/spans.jsonl", wrap=["unshare", "--mount", "sh", "-c", FULL_DISK, disk])
    counts = sink(ledger)
    t.equal(counts["exported"] + counts["lost_write"], 1000, "spans written and lost")
    t.true(counts["lost_write"] > 0, "a disk of 64 KiB took everything")
    t.true(1 <= len([line for line in err if "spans.jsonl" in line]) <= 5, f"messages about the file: {err}")
    t.equal(status, FAILED, "exit code")


def test_file_that_cannot_be_made(t):
    pid = idle(t)
    refuse(t, FAILED, ["/no/such/dir/spans.jsonl"], "attach", "-p", pid, "-f", "tr_mid", "--to", "file:/no/such/dir/spans.jsonl")


def test_nothing_stays_after_a_failed_start(t):
    """One of two destinations is wrong: nothing was armed, or it is gone again."""
    t.need_wftrace()
    program = t.build("trio.c")
    target = t.start([program, "1"])
    refuse(t, FAILED, ["/no/such/dir"], "attach", "-p", str(target.target_pid), "-f", "tr_mid", "--to", "file:/no/such/dir/x")
    t.equal(probed(target.target_pid, program), [], "file offsets with a probe left behind")


def test_outputs_are_checked_before_anything_is_armed(t):
    t.need_wftrace()
    program = t.build("trio.c")
    target = t.start([program, "1"])
    base = ["-p", str(target.target_pid), "-f", "tr_mid"]
    refuse(t, FAILED, ["--ledger", "/no/such/dir"], "attach", *base, "--ledger", "/no/such/dir/ledger.json")
    refuse(t, FAILED, ["--ledger", "directory"], "attach", *base, "--ledger", str(t.dir))
    refuse(t, FAILED, ["/no/such/dir"], "record", *base, "-o", "/no/such/dir/recording")
    refuse(t, USAGE, ["--output"], "record", *base, "-o", "-")
    refuse(t, FAILED, ["--debug-dir", "/no/such/dir"], "attach", *base, "--debug-dir", "/no/such/dir")
    refuse(t, FAILED, ["--debug-dir", "folder"], "attach", *base, "--debug-dir", str(program))
    refuse(t, USAGE, ["twice"], "attach", *base, "--to", "console", "--to", "console")
    refuse(t, USAGE, ["http://localhost:99999"], "attach", *base, "--to", "http://localhost:99999")
    refuse(t, USAGE, ["5x", "duration"], "attach", *base, "--dry-run", "5x")
    t.equal(probed(target.target_pid, program), [], "file offsets with a probe left behind")


def test_a_profile_for_something_else_is_one_line(t):
    t.need_wftrace()
    refuse(t, NOTHING, ["postgresql", "trio", "wftrace list"], "attach", "-p", idle(t), "--profile", "postgresql")


def test_what_a_launched_command_does_not_have_is_said(t):
    t.need_wftrace()
    program = t.build("trio.c")
    status, _, err = t.wftrace("run", "-f", "tr_mid", "-f", "tr_none", "--", str(program), "1")
    t.equal(status, 3, f"its own status, since no line came: {err}")
    t.equal(len([line for line in err if "tr_none" in line]), 2, f"lines about what is missing, early and at the end: {err}")
    t.true(not any("tr_mid'" in line for line in err), f"what was found is not missing: {err}")


def test_one_of_many_named_processes_may_end(t):
    """Others of that name come and go while it attaches: that is no error."""
    t.need_wftrace()
    program = t.build("trio.c", name="wfcrowd")
    targets = [t.start([program, "1"]) for _ in range(3)]
    churn = t.spawn(["sh", "-c", f"while :; do {program} 1 </dev/null >/dev/null; done"])
    for _ in range(3):
        status, _, err = t.wftrace("attach", "-n", "wfcrowd", "-f", "tr_mid", "-d", "100ms", "--to", "file:/dev/null")
        t.equal(status, DONE, f"status after {err}")
    t.true(churn.alive() and all(target.alive() for target in targets), "somebody died")


def test_run_errors(t):
    t.need_wftrace()
    refuse(t, USAGE, ["COMMAND"], "run", "-f", "tr_mid")
    refuse(t, 127, ["/no/such/command"], "run", "-f", "tr_mid", "--", "/no/such/command")
    refuse(t, 126, ["/etc/passwd"], "run", "-f", "tr_mid", "--", "/etc/passwd")
    refuse(t, BEFORE_START, ["no-such-user"], "run", "-f", "tr_mid", "--user", "no-such-user", "--", "/bin/true")


def test_text_moved_to_other_memory(t):
    """Probes would lie in the file's pages, which nobody runs: refused everywhere, with the reason."""
    target = t.start([t.build("moved.c")])
    pid = target.target_pid
    t.need_wftrace()
    for command, status in ((["list", "-p", pid, "tr_mid"], DONE), (["attach", "-p", pid, "-f", "tr_mid"], NOTHING),
                            (["attach", "-p", pid, "-f", "tr_mid", "--dry-run"], NOTHING),
                            (["doctor", "-p", pid, "-f", "tr_mid"], NOTHING)):
        got, out, err = t.wftrace(*command)
        said = "\n".join(out + err)
        t.equal(got, status, f"status of {command}, which said {said!r}")
        t.true("anonymous memory (huge pages?)" in said, f"no reason: {said!r}")
    tracer = t.attach(target, ["malloc@libc.so*"])
    target.go()
    t.equal(target.finish(), (["total 14950"], 0), "output and status")
    tracer.stop()
