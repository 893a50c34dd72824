# SPDX-License-Identifier: Apache-2.0
"""Random programs, every way of building them: the calls that wftrace sees are those of the instrumented twin."""
import os
import re
import subprocess

import gen_cpp
import oracle
from harness import Failure, need_tool

GCC = [
    ("-O0",), ("-O1",), ("-O2",), ("-O3",), ("-Os",), ("-O2", "-flto"), ("-O2", "-fno-omit-frame-pointer"),
    ("-O2", "-fcf-protection=full"), ("-O2", "-fstack-protector-strong"), ("-O1", "-fno-pie", "-no-pie"),
    ("-O3", "-flto", "-fcf-protection=full", "-fstack-protector-strong"), ("-O0", "-fcf-protection=full"),
    ("-Os", "-fno-omit-frame-pointer", "-fstack-protector-all"), ("-O2", "-static"),
]
CLANG = [
    ("-O0",), ("-O1",), ("-O2",), ("-O3",), ("-Os",), ("-O2", "-flto", "-fuse-ld=gold"),
    ("-O2", "-fno-omit-frame-pointer"), ("-O2", "-fcf-protection=full"), ("-O2", "-fstack-protector-strong"),
    ("-O3", "-fcf-protection=full", "-fstack-protector-strong"), ("-Os", "-fno-pie", "-no-pie"), ("-O0", "-fcf-protection=full"),
]
CPP_PATTERNS = ["fn_*", "leaf_*", "raise_*", "Shape?::area"]
CALLS_MIN = 5  # csmith's programs often return before they call anything
SOAK_SEEDS = int(os.environ.get("E2E_SEEDS", "200"))


def builds(seed, count):
    """`count` of all builds for one seed, another choice for each seed."""
    every = [(True, flags) for flags in GCC] + [(False, flags) for flags in CLANG]
    return [every[(seed * 7 + i * 11) % len(every)] for i in range(count)]


def trace_build(t, source, compilers, gcc, flags, patterns, found, said, ordered=True):
    """One build, traced by exit sites and compared."""
    cc = compilers[0 if gcc else 1]
    try:
        program = t.build(source, flags=("-g0", "-w", *flags), cc=cc, name="plain")
        trace, result = t.run_traced([program], patterns)
        t.equal(result, (said, 0), "output and status")
        oracle.compare(t, trace, found, ordered)
    except Failure as e:
        raise Failure(f"{source.name} built with {cc} {' '.join(flags)}: {e}") from None


def random_cpp(t, seeds, count):
    t.need_wftrace()
    for seed in seeds:
        source = t.dir / f"random{seed}.cc"
        source.write_text(gen_cpp.generate(seed))
        known = oracle.record(t, source, CPP_PATTERNS)
        t.true(known, f"the twin of seed {seed} fails")
        for gcc, flags in builds(seed, count):
            trace_build(t, source, ("g++", "clang++"), gcc, flags, CPP_PATTERNS, *known)
            t.forget_processes()


def test_random_cpp(t):
    random_cpp(t, range(1, SOAK_SEEDS + 1) if t.soak else range(1, 5), 4)


test_random_cpp.deadline = 600


def prepare_csmith(text):
    """Make csmith's functions traceable: not inlined, not cloned, not dropped; wait for the tracer first."""
    text = re.sub(r"^(static [^\n;={}]*\bfunc_\d+\([^\n]*\))(;|\n\{)",
                  lambda m: f"TRACED_ATTRIBUTES {m[1]}" + (";" if m[2] == ";" else "\n{ OPAQUE();"), text, flags=re.M)
    text = re.sub(r"^(int main *\([^)]*\)\s*\{)", r"\1 ready();", text, flags=re.M)
    return '#include "traced.h"\n' + text


def csmith(t, seed):
    """The source of one seed, or None if csmith makes none."""
    ran = subprocess.run([need_tool("csmith"), "--seed", str(seed), "--max-funcs", "15", "--no-jumps",
                          "--concise"], capture_output=True, text=True, cwd=t.dir, check=False)
    if ran.returncode or "func_1" not in ran.stdout:
        return None
    source = t.dir / f"csmith{seed}.c"
    source.write_text(prepare_csmith(ran.stdout))
    return source


def random_c(t, count, each):
    t.need_wftrace()
    include = ("-I", "/usr/include/csmith")
    seed = done = 0
    while done < count:
        seed += 1
        t.true(seed < 20 * count, f"only {done} of {seed} seeds make a program of the right size")
        source = csmith(t, seed)
        known = source and oracle.record(t, source, ["func_*"], cc="gcc", flags=include, seconds=5)
        if not known or len(known[0]) < CALLS_MIN:
            continue
        done += 1
        for gcc, flags in builds(seed, each):
            trace_build(t, source, ("gcc", "clang"), gcc, (*flags, *include), ["func_*"], *known,
                        ordered=False)  # C leaves the order of arguments to the compiler
            t.forget_processes()


def test_random_c(t):
    random_c(t, SOAK_SEEDS if t.soak else 3, 4)


test_random_c.deadline = 600
