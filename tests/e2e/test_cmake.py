# SPDX-License-Identifier: Apache-2.0
"""Real, large C++ programs: cmake -P on a script and protoc, hundreds of functions, exit sites against RET probes."""
import json
import os

from harness import Skip, find_tool
from spans import Trace

SCRIPT = """
set(total 0)
function(add n)
  math(EXPR total "${total} + ${n}")
  set(total ${total} PARENT_SCOPE)
endfunction()
foreach(i RANGE 1 60)
  add(${i})
  string(REGEX REPLACE "([0-9])" "<\\\\1>" text "${i}${total}")
  list(APPEND all "${text}")
  if(NOT EXISTS "/no/such/file${i}")
    string(TOUPPER "a${i}" upper)
  endif()
endforeach()
list(SORT all)
list(LENGTH all length)
message(STATUS "total ${total} length ${length}")
message(FATAL_ERROR "the end is an error")
"""
# Debian's cmake is stripped, so what it calls in the C++ library stands for its own functions.
CMAKE_RULES = ["std::*@libstdc++*"]
PROTO = """syntax = "proto3";
package e2e;
message Node { int32 number = 1; repeated string names = 2; oneof kind { Node child = 3; bytes raw = 4; }
  enum Colour { RED = 0; BLUE = 1; } Colour colour = 5; map<string, Node> more = 6; }
service Walker { rpc Walk(Node) returns (stream Node); }
"""
PROTOC_RULES = ["google::protobuf::*@libprotobuf*", "google::protobuf::*@libprotoc*"]


def need_cmake(t):
    cmake = find_tool("cmake")
    if not cmake:
        raise Skip("cmake is not installed", required=True)
    script = t.dir / "script.cmake"
    script.write_text(SCRIPT)
    return [cmake, "-P", str(script)]


def traced(t, command, rules, *options):
    """One run, held before main until it is traced: (trace, its output and status)."""
    target = gated(t, command)
    tracer = t.attach(target, rules, *options)
    target.go()
    result = target.finish(200)
    trace = tracer.stop()
    t.equal(trace.ledger["ring_full"], 0, "lost to a full ring")
    return trace, result


def gated(t, command):
    gate = t.build("gate.c", flags=("-O2", "-shared", "-fPIC"), name="gate.so")
    return t.start(command, env={**os.environ, "LD_PRELOAD": str(gate)})


def plain(t, command):
    target = gated(t, command)
    target.go()
    return target.finish()


def by_site_and_by_ret(t, command, rules, functions):
    """The same program by exit sites and by RET probes: the same calls per function, the same parents."""
    untraced = plain(t, command)
    by_site, result = traced(t, command, rules)
    t.equal(result, untraced, "output and status, traced and untraced")
    by_ret, result = traced(t, command, rules, "--ret-only")
    t.equal(result, untraced, "output and status, by RET and untraced")
    called = by_site.counts()
    t.true(len(called) >= functions, f"only {len(called)} functions were called: {called.most_common(5)}")
    t.equal(called, dict(by_ret.counts()), "calls per function, by site and by RET")
    t.equal(by_site.edges(), dict(by_ret.edges()), "parents, by site and by RET")


def test_cmake(t):
    command = need_cmake(t)
    t.need_wftrace()
    t.equal(plain(t, command), (["-- total 1830 length 60"], 1), "output and status of cmake itself")
    by_site_and_by_ret(t, command, CMAKE_RULES, 30)


test_cmake.deadline = 400


def test_protoc(t):
    """Hundreds of functions of a C++ program, in two libraries."""
    if not find_tool("protoc"):
        raise Skip("protoc is not installed")
    t.need_wftrace()
    (t.dir / "e2e.proto").write_text(PROTO)
    by_site_and_by_ret(t, [find_tool("protoc"), f"--cpp_out={t.dir}", f"-I{t.dir}", "e2e.proto"], PROTOC_RULES, 300)


test_protoc.deadline = 400


def test_protoc_from_its_first_instruction(t):
    """`run` traces libraries that are mapped only after the start."""
    if not find_tool("protoc"):
        raise Skip("protoc is not installed")
    t.need_wftrace()
    (t.dir / "e2e.proto").write_text(PROTO)
    spans, ledger = t.dir / "spans.jsonl", t.dir / "ledger.json"
    rules = [word for rule in PROTOC_RULES for word in ("-f", rule)]
    process = t.spawn([t.wftrace_path(), "run", *rules, "--json", "-o", spans, "--ledger", ledger, "--", find_tool("protoc"),
                       f"--cpp_out={t.dir}", f"-I{t.dir}", "e2e.proto"])
    t.equal(process.wait(200), 0, "status")
    trace = Trace(spans.read_text().splitlines(), json.loads(ledger.read_text()), process.err.all())
    trace.check()
    t.true(len(trace.counts()) >= 300, f"only {len(trace.counts())} functions were called")


test_protoc_from_its_first_instruction.deadline = 400
