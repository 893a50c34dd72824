# SPDX-License-Identifier: Apache-2.0
"""Frames that end without returning: C++ exceptions, Rust panics, longjmp."""
from harness import Skip, find_tool

TRIO = ["tr_outer", "tr_mid", "tr_leaf", "tr_after"]
HALF_FAILS = {
    (None, "tr_outer"): 1000, ("tr_outer", "tr_mid"): 1000, ("tr_mid", "tr_leaf"): 500, (None, "tr_after"): 500,
}


def errors(trace):
    """How many spans of each name have error status."""
    found = {}
    for span in trace.spans:
        if span.error:
            found[span.name] = found.get(span.name, 0) + 1
    return found


def throw(t, mode, rules, flags=("-O2",), cc="g++", libs=()):
    program = t.build("throw.cc", flags=flags, cc=cc, libs=libs)
    return t.compared([program, mode], rules)


def check_throw(t, trace):
    t.edges(trace, HALF_FAILS)
    t.equal(errors(trace), {"tr_outer": 500, "tr_mid": 500}, "spans with error status")
    t.equal(trace.ledger["completed"], 2000, "completed")
    t.equal(trace.ledger["abandoned"], 1000, "abandoned")
    want = [("std::runtime_error", f"odd {i}") for i in range(1, 1000, 2)]
    for name in ("tr_outer", "tr_mid"):
        failed = sorted((s for s in trace.named(name) if s.error), key=lambda s: s.start)
        t.equal([s.exceptions() for s in failed], [[one] for one in want], f"exception events of {name}")
    t.true(not any(s.exceptions() for s in trace.spans if not s.error), "an exception event on a span without error")


def test_exception_through_traced_frames(t):
    check_throw(t, throw(t, "throw", TRIO))


def test_exception_clang_frame_pointers(t):
    check_throw(t, throw(t, "throw", TRIO, ("-O1", "-fno-omit-frame-pointer"), "clang++"))


def test_exception_unoptimised_with_cet_and_stack_protector(t):
    check_throw(t, throw(t, "throw", TRIO, ("-O0", "-fcf-protection", "-fstack-protector-strong")))


def test_exception_static_runtime(t):
    check_throw(t, throw(t, "throw", TRIO, ("-O2", "-static-libstdc++", "-static-libgcc")))


def test_exception_static_program(t):
    check_throw(t, throw(t, "throw", TRIO, ("-O2", "-static")))


def test_exception_over_untraced_frames(t):
    """Only the innermost frame is traced; what lies between it and the handler is not."""
    trace = throw(t, "throw", ["tr_mid", "tr_after"])
    t.edges(trace, {(None, "tr_mid"): 1000, (None, "tr_after"): 500})
    t.equal(errors(trace), {"tr_mid": 500}, "spans with error status")


def test_rethrow(t):
    trace = throw(t, "rethrow", TRIO + ["tr_rethrow"])
    t.edges(trace, {
        (None, "tr_rethrow"): 200, ("tr_rethrow", "tr_outer"): 200, ("tr_outer", "tr_mid"): 200,
        ("tr_mid", "tr_leaf"): 100, ("tr_rethrow", "tr_after"): 100, (None, "tr_after"): 100,
    })
    t.equal(errors(trace), {"tr_rethrow": 100, "tr_outer": 100, "tr_mid": 100}, "spans with error status")
    t.equal(trace.ledger["abandoned"], 300, "abandoned")


def test_nested_exceptions(t):
    trace = throw(t, "nested", TRIO + ["tr_guarded", "tr_cleanup"])
    t.edges(trace, {
        (None, "tr_guarded"): 200, ("tr_guarded", "tr_outer"): 200, ("tr_outer", "tr_mid"): 200,
        ("tr_mid", "tr_leaf"): 100, ("tr_guarded", "tr_cleanup"): 200, ("tr_cleanup", "tr_after"): 200,
        (None, "tr_after"): 100,
    })
    t.equal(errors(trace), {"tr_guarded": 100, "tr_outer": 100, "tr_mid": 100}, "spans with error status")
    for span in trace.named("tr_guarded"):
        if span.error:
            t.equal(len(span.exceptions()), 1, "exception events of tr_guarded")
            t.true(span.exceptions()[0][0] == "std::runtime_error", f"the wrong exception: {span}")


def test_exception_across_threads(t):
    trace = throw(t, "threads", TRIO)
    t.edges(trace, {
        (None, "tr_outer"): 100, ("tr_outer", "tr_mid"): 100, ("tr_mid", "tr_leaf"): 50, (None, "tr_after"): 150,
    })
    t.equal(errors(trace), {"tr_outer": 50, "tr_mid": 50}, "spans with error status")


def test_exception_types(t):
    """A scalar and a class without what(): the type is told, no message is invented."""
    trace = throw(t, "types", TRIO)
    t.edges(trace, {(None, "tr_outer"): 10, ("tr_outer", "tr_mid"): 10, (None, "tr_after"): 10})
    outer = sorted(trace.named("tr_outer"), key=lambda s: s.start)
    for i, span in enumerate(outer):
        t.equal(len(span.exceptions()), 1, f"exception events of {span}")
        kind = span.exceptions()[0][0]
        t.true(kind == "int" if i & 1 else "string" in kind, f"wrong exception type {kind!r} of call {i}")


def rust(t, *flags):
    if not find_tool("rustc"):
        raise Skip("rustc is not installed", required=True)
    program = t.build("panic.rs", flags=["--edition=2021", "-Copt-level=2", *flags])
    trace = t.compared([program], ["rs_outer", "rs_inner", "rs_leaf"])
    t.edges(trace, {
        (None, "rs_outer"): 1000, ("rs_outer", "rs_inner"): 1000, ("rs_inner", "rs_leaf"): 500, (None, "rs_leaf"): 500,
    })
    t.equal(errors(trace), {"rs_outer": 500, "rs_inner": 500}, "spans with error status")
    t.equal(trace.ledger["abandoned"], 1000, "abandoned")


def test_rust_panic_and_catch_unwind(t):
    rust(t)


def test_rust_panic_unoptimised(t):
    rust(t, "-Copt-level=0", "-Cforce-frame-pointers=yes")


def jump(t, mode, cc="gcc", flags=("-O2",)):
    if not find_tool(cc):
        raise Skip(f"{cc} is not installed", required=True)
    trace = t.compared([t.build("jump.c", flags=flags, cc=cc), mode], TRIO + ["tr_lands"] * (mode == "inside"))
    if mode == "inside":
        t.edges(trace, {
            (None, "tr_lands"): 1000, ("tr_lands", "tr_outer"): 1000, ("tr_outer", "tr_mid"): 1000,
            ("tr_mid", "tr_leaf"): 500, ("tr_lands", "tr_after"): 500,
        })
    else:
        t.edges(trace, HALF_FAILS)
    t.equal(trace.ledger["abandoned"], 1000, "abandoned")
    t.equal(trace.ledger["exits.unmatched"], 0, "unmatched exits")


def test_longjmp(t):
    jump(t, "longjmp")


def test_longjmp_fortified(t):
    jump(t, "longjmp", flags=("-O2", "-D_FORTIFY_SOURCE=2"))


def test_longjmp_static(t):
    jump(t, "longjmp", flags=("-O2", "-static"))


def test_siglongjmp(t):
    jump(t, "siglongjmp")


def test_siglongjmp_out_of_a_signal_handler(t):
    jump(t, "handler")


def test_longjmp_into_a_traced_frame(t):
    jump(t, "inside")


def test_longjmp_musl(t):
    jump(t, "longjmp", "musl-gcc")


def test_longjmp_musl_static(t):
    jump(t, "longjmp", "musl-gcc", ("-O2", "-static"))


def test_siglongjmp_musl(t):
    jump(t, "siglongjmp", "musl-gcc")


def test_siglongjmp_out_of_a_signal_handler_musl(t):
    jump(t, "handler", "musl-gcc")
