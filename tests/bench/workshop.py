# SPDX-License-Identifier: Apache-2.0
"""What every group uses: programs built and started, tracers attached, on processors of their own."""
import os
import re
import signal
import struct
import subprocess
from contextlib import contextmanager
from pathlib import Path

from harness import OUT, ROOT, WFTRACE, Failure, Process, Skip, Test, Tracer, need_tool
from proc import wait_for

HERE = Path(__file__).resolve().parent
FLAGS = ("-std=gnu11", "-O2", "-g", "-D_GNU_SOURCE")
LIBRARY = OUT / "libwftrace.a"
NO_EXPORT = {**os.environ, "OTEL_TRACES_EXPORTER": "none"}
PT_LOAD = 1


def make_libs():
    """The libraries that the Makefile links, in its words."""
    said = subprocess.run(["make", "-s", "--no-print-directory", f"O={OUT}", "--eval",
                           "print-libs:;@echo $(LIBS)", "print-libs"],
                          cwd=ROOT, capture_output=True, text=True, check=True)
    return said.stdout.split()


def segment_offsets(path, addresses):
    """Offsets in the file of addresses, as it is loaded."""
    data = Path(path).read_bytes()
    first, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    heads = [struct.unpack_from("<IIQQQQ", data, first + i * size) for i in range(count)]
    found = [address - start + offset for address in addresses for kind, _, offset, start, _, length in heads
             if kind == PT_LOAD and start <= address < start + length]
    if len(found) != len(addresses):
        raise Failure(f"{path} does not hold all of {addresses}")
    return found


def function_offsets(path, names):
    """Of functions of its symbol table."""
    said = subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout
    found = {name: int(address, 16) for address, name in re.findall(r"^(\w+) [Tt] (\w+)$", said, re.M)}
    return segment_offsets(path, [found[name] for name in names])


def probe_offsets(path, provider, pattern):
    """`OFFSET:SEMAPHORE` of static probes that have one."""
    said = subprocess.run(["readelf", "-nW", path], capture_output=True, text=True, check=True).stdout
    found = re.findall(rf"Provider: {provider}\s+Name: (?:{pattern})\s+Location: 0x(\w+), Base: \w+, "
                       r"Semaphore: 0x(\w*[1-9a-f]\w*)", said)
    places = segment_offsets(path, [int(place, 16) for place, _ in found])
    semaphores = segment_offsets(path, [int(semaphore, 16) for _, semaphore in found])
    return [f"{place}:{semaphore}" for place, semaphore in zip(places, semaphores)]


class Workshop(Test):
    """One group's directory and processes. Targets run on the last processor, tracers on the first."""

    def __init__(self, directory, quick):
        super().__init__(directory)
        self.quick = quick
        self.cpus = sorted(os.sched_getaffinity(0))

    def rounds(self, full):
        return max(2, full // 4) if self.quick else full

    def on_cpu(self, cpu):
        return ["taskset", "-c", str(cpu)]

    @property
    def target_cpu(self):
        return self.cpus[-1]

    @property
    def tracer_cpu(self):
        return self.cpus[0]

    def tool(self, name, *more, libs=(), flags=()):
        """Build tests/bench/NAME.c."""
        return self.build(HERE / f"{name}.c", flags=[*FLAGS, *flags], more=[HERE / m for m in more], libs=libs)

    def tool_of_library(self, name):
        if not LIBRARY.exists():
            raise Skip(f"{LIBRARY.name} is not built")
        return self.tool(name, LIBRARY, libs=make_libs(), flags=["-I", str(ROOT), "-I", str(OUT / "gen")])

    def target(self):
        path = self.tool("target", "shape.S")
        return self.start([path, self.target_cpu]), path

    def time_call(self, target, name, count, batches=16):
        """Nanoseconds of one call, the best batch's. Between calls the tracer has time to read."""
        seen = len(target.out.lines)
        target.send(f"{name} {count} {batches}")
        line = wait_for(lambda: next((x for x in target.out.lines[seen:] if x.startswith(f"{name} ")), None),
                        f"{name} to be called", 60)
        return float(line.split()[1])

    def said_ready(self, process, what):
        if process.out.wait(lambda line: line.startswith("ready"), 30) is None:
            raise Failure(f"{what} did not attach\n" + "\n".join(process.describe()))
        return process

    @contextmanager
    def empty(self, target, path, kind, names):
        """Attach programs that do nothing to these functions; `pair` or `entry`."""
        with self.empty_at(target.target_pid, path, kind, function_offsets(path, names)) as process:
            yield process

    @contextmanager
    def empty_at(self, pid, path, kind, offsets):
        """The same at offsets of the file; PID 0 is every process."""
        tool = self.tool("empty", libs=["-lbpf"])
        process = self.spawn([*self.on_cpu(self.tracer_cpu), tool, pid, path, kind, *offsets])
        yield self.said_ready(process, f"the empty {kind}")
        process.wait()

    @contextmanager
    def bpftrace(self, target, path, names):
        """Entry to exit latency as users of bpftrace measure it."""
        probes = "".join(
            f"uprobe:{path}:{name} {{ @s[tid] = nsecs }} "
            f"uretprobe:{path}:{name} /@s[tid]/ {{ @ = hist(nsecs - @s[tid]); delete(@s[tid]) }} "
            for name in names)
        argv = [need_tool("bpftrace"), "-B", "line", "-p", target.target_pid, "-e",
                probes + 'interval:ms:200 { printf("ready\\n") }']
        process = self.spawn([*self.on_cpu(self.tracer_cpu), *argv], stdin=subprocess.DEVNULL)
        yield self.said_ready(process, "bpftrace")
        process.signal(signal.SIGINT)
        process.wait()

    def trace(self, target, rules, *options, pinned=True, **more):
        """Attach wftrace; without an exporter where no --to is among the options."""
        more.setdefault("env", NO_EXPORT)
        wrap = self.on_cpu(self.tracer_cpu) if pinned else ()
        return self.attach(target, rules, *options, json_lines=False, wrap=wrap, **more)

    @contextmanager
    def traced(self, target, rules, *options, **more):
        """wftrace for the length of a block; nothing may be lost meanwhile."""
        tracer = self.trace(target, rules, *options, **more)
        yield tracer
        complete_ledger(tracer.stop(check=False))


def complete_ledger(trace):
    """The ledger, which must balance and have lost no record: else the figure is wrong."""
    ledger = trace.ledger
    if not ledger["balanced"] or ledger["ring_full"]:
        raise Failure(f"records were lost while measuring: {ledger.raw}")
    return ledger


__all__ = ["FLAGS", "HERE", "NO_EXPORT", "OUT", "ROOT", "WFTRACE", "Failure", "Process", "Skip", "Tracer",
           "Workshop", "complete_ledger", "function_offsets", "need_tool", "probe_offsets", "wait_for"]
