# SPDX-License-Identifier: Apache-2.0
"""Which end-to-end tests run in the guest: those that need no more than it has. The others are named."""
import fnmatch

MODULES = ("test_capture", "test_errors", "test_hazard_*", "test_open", "test_phase", "test_python*", "test_run",
           "test_sqlite")
LEFT_OUT = {
    "test_hazard_observer.*debugge*": "the guest has no debugger",
    "test_hazard_observer.*bpftrace*": "the guest has no bpftrace",
    "test_hazard_observer.test_perf*": "the guest has no perf",
    "test_cmake.*": "more sites than the reduced tier has",
    "test_otlp.*": "the guest has no OpenTelemetry packages; the kernel has no part in it",
    "test_export.*": "the kernel has no part in it",
    "test_replay.*": "the kernel has no part in it",
    "test_python_celery.*": "the guest has no Celery",
    "test_python_libpq.*": "the guest has no PostgreSQL",
    "test_python_leave.*tracers_file*": "only Python 3.14 and later read requests from files",
    "test_python_logs.*receiver_rejects*": "the guest has no OpenTelemetry packages; the kernel has no part in it",
    "test_python_run.*whatever_starts*": "the guest has no nice",
    "test_python_run.*stands_still*": "the guest has no nice",
    "test_python_run.*virtual_environment*": "the guest has no venv",
    "test_python_run.*ctrl_c*": "site is still being imported there when Ctrl-C comes",
    "test_python_web.*": "the guest has no web server of Python",
    "test_postgresql.*": "the guest has no PostgreSQL",
    "test_redis.*": "the guest has no Redis",
    "test_sqlite.test_same_calls*": "more sites than the reduced tier has",
    "test_random.*": "the guest has no compiler",
}
ELSE = "not made for the guest"

# One of each kind, for `make check`; all of them run in `make soak`.
SHORT = {
    "test_capture": ("integers_of_every_width_and_sign", "std_string"),
    "test_hazard_memory": ("unreadable_argument_pointers", "dlopen_after_attach_and_dlclose"),
    "test_hazard_observer": ("seccomp_filter",),
    "test_hazard_process": ("thread_started_inside_a_call_is_its_child", "fork", "exec_of_another_image"),
    "test_hazard_signal": ("target_killed", "wftrace_killed_under_load"),
    "test_hazard_stack": ("recursion_10000_deep", "tail_calls", "signal_handler_on_an_alternate_stack_above",
                          "100_coroutines"),
    "test_hazard_unwind": ("exception_through_traced_frames", "rust_panic_and_catch_unwind", "longjmp_musl",
                           "siglongjmp_out_of_a_signal_handler"),
    "test_open": ("hanging_calls_are_unfinished_spans",),
    "test_python": ("native_calls_lie_under_python_ones_and_the_reverse", "children_that_are_forked"),
    "test_python_leave": ("killed_under_load",),
}


def first_match(name, patterns):
    return next((pattern for pattern in patterns if fnmatch.fnmatch(name, pattern)), None)


def held(names):
    """The end-to-end tests that the guest can hold."""
    return [name for name in names if first_match(name.split(".")[0], MODULES) and not first_match(name, LEFT_OUT)]


def left_out(names):
    """[(a pattern or a module, how many tests, why)] of the others."""
    found = {}
    kept = set(held(names))
    for name in names:
        if name not in kept:
            pattern = first_match(name, LEFT_OUT)
            what, why = (pattern, LEFT_OUT[pattern]) if pattern else (name.split(".")[0], ELSE)
            found[what, why] = found.get((what, why), 0) + 1
    return [(what, count, why) for (what, why), count in found.items()]


def choose(names, everything):
    """Of all end-to-end tests, those for the guest."""
    if everything:
        return held(names)
    short = [f"{module}.test_{name}" for module, tests in SHORT.items() for name in tests]
    gone = set(short) - set(names)
    if gone:
        raise LookupError(f"no such tests: {', '.join(sorted(gone))}")
    return [name for name in held(names) if name in short]
