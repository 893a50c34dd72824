# SPDX-License-Identifier: Apache-2.0
"""Real C++ programs with hundreds of traced functions: exit sites beside RET probes, in wall time."""
import os
import subprocess
import time

from row import Group
from workshop import Failure, complete_ledger, need_tool

CLANG_RULES = ("clang::Sema::*@libclang-cpp*", "clang::Parser::*@libclang-cpp*")
PROTOC_RULES = ("google::protobuf::*@libprotobuf*",)
CMAKE_RULES = ("std::*@libstdc++*",)

C_FUNCTION = """
struct pair{i} {{ int first, second; const char *name; }};
static int sum{i}(struct pair{i} *pairs, int count)
{{
	int total = 0;
	for (int i = 0; i < count; i++)
		total += pairs[i].first * {i} + (pairs[i].second ? pairs[i].second : -1);
	return total > {i} ? total : sum{i}(pairs + 1, count - 1);
}}
"""
PROTO = 'syntax = "proto3";\npackage bench;\nmessage Node { int32 number = 1; repeated string names = 2;\n' \
        '  oneof kind { Node child = 3; bytes raw = 4; } map<string, Node> more = 5; }\n'
TEXT = 'names: "name {i}" more {{ key: "key {i}" value {{ number: {i} child {{ raw: "bytes" }} }} }}\n'
CMAKE = """
execute_process(COMMAND cat {fifo} OUTPUT_QUIET)
foreach(i RANGE 1 {count})
  string(SHA1 hash "${{i}}")
  list(APPEND words "${{hash}}:${{i}}")
endforeach()
list(SORT words)
foreach(word IN LISTS words)
  string(REGEX REPLACE "([0-9a-f]+):([0-9]+)" "\\\\2-\\\\1" swapped "${{word}}")
  string(TOUPPER "${{swapped}}" swapped)
endforeach()
"""


class Program:
    """A command that waits for its input; its time is from the input to its end."""

    def __init__(self, shop, argv, rules, text, fifo=None):
        self.shop, self.argv, self.rules, self.text, self.fifo = shop, argv, rules, text, fifo
        self.functions = self.calls = 0

    def start(self):
        return subprocess.Popen([*self.shop.on_cpu(self.shop.target_cpu), *map(str, self.argv)],
                                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                cwd=self.shop.dir)

    def feed(self, process):
        """Seconds until it has ended."""
        begin = time.monotonic()
        if self.fifo:
            self.fifo.write_text("go\n")
        err = process.communicate(self.text.encode())[1]
        seconds = time.monotonic() - begin
        if process.returncode:
            raise Failure(f"{self.argv[0]}: {err.decode(errors='replace')[-300:]}")
        return seconds

    def wait_until_it_reads(self, process):
        """It has loaded its libraries when it, or its child, sleeps."""
        self.shop.wait(lambda: open(f"/proc/{process.pid}/stat", "rb").read().rsplit(b")", 1)[1].split()[0] == b"S",
                       f"{self.argv[0]} to wait for its input")

    def run(self, traced, *options):
        process = self.start()
        try:
            self.wait_until_it_reads(process)
            if not traced:
                return self.feed(process)
            tracer = self.shop.trace(process.pid, self.rules, "--no-follow", *options)
            seconds = self.feed(process)
            ledger = complete_ledger(tracer.stop(check=False))
            self.functions, self.calls = tracer.functions, ledger["entries"]
            return seconds
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def clang(shop):
    text = "".join(C_FUNCTION.format(i=i) for i in range(50 if shop.quick else 150))
    argv = [need_tool("clang"), "-cc1", "-fsyntax-only", "-x", "c", "-"]
    if b"libclang-cpp" not in subprocess.run(["ldd", argv[0]], capture_output=True, check=False).stdout:
        raise Failure("clang does not use libclang-cpp, so it has no symbols")
    return Program(shop, argv, CLANG_RULES, text)


def protoc(shop):
    (shop.dir / "bench.proto").write_text(PROTO)
    text = "".join(TEXT.format(i=i) for i in range(50 if shop.quick else 150))
    return Program(shop, [need_tool("protoc"), "--encode=bench.Node", "-I.", "bench.proto"], PROTOC_RULES, text)


def cmake(shop):
    fifo = shop.dir / "go"
    os.mkfifo(fifo)
    script = shop.dir / "work.cmake"
    script.write_text(CMAKE.format(fifo=fifo, count=100 if shop.quick else 300))
    return Program(shop, [need_tool("cmake"), "-P", script], CMAKE_RULES, "", fifo)


def group(name, make):
    def measure(shop):
        program = make(shop)
        bare, site, ret = [], [], []
        for _ in range(shop.rounds(8)):
            bare.append(program.run(False))
            site.append(program.run(True))
            ret.append(program.run(True, "--ret-only"))
        yield (name, round(min(site) / min(ret), 3),
               f"{make.__name__}, {program.functions} functions, {program.calls} calls: {min(site):.3f} s over "
               f"{min(ret):.3f} s ({min(bare):.3f} s untraced); best of {len(site)} rounds")
    return Group((name,), 40, measure)


GROUPS = (group("call.exit_site_vs_ret", clang), group("call.exit_site_vs_ret_protoc", protoc),
          group("call.exit_site_vs_ret_cmake", cmake))
