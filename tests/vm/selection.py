# SPDX-License-Identifier: Apache-2.0
"""Which end-to-end tests run in the guest: those that need no more than it has. The others are named."""
import fnmatch

MODULES = ("test_hazard_*", "test_capture", "test_open")
LEFT_OUT = {
    "test_hazard_observer.*debugge*": "no debugger in the guest",
    "test_hazard_observer.*bpftrace*": "no bpftrace in the guest",
    "test_hazard_observer.test_perf*": "no perf in the guest",
}

# One of each kind, for `make check`; all of them run in `make soak`.
SHORT = {
    "test_capture": ("integers_of_every_width_and_sign", "std_string", "fields_through_pointers",
                     "filter_and_literal_in_expressions"),
    "test_hazard_memory": ("unreadable_argument_pointers", "dlopen_after_attach_and_dlclose",
                           "binary_replaced_while_traced", "binary_in_a_mount_namespace", "memory_limited_cgroup"),
    "test_hazard_observer": ("seccomp_filter", "second_wftrace"),
    "test_hazard_process": ("pthread_exit", "thread_started_inside_a_call_is_its_child", "fork", "vfork",
                            "exec_of_another_image", "bystander_is_not_traced"),
    "test_hazard_signal": ("attach_to_a_stopped_target", "target_killed", "wftrace_killed_under_load", "output_closed"),
    "test_hazard_stack": ("recursion_10000_deep", "tail_calls", "signal_handler_on_an_alternate_stack_above",
                          "100_coroutines"),
    "test_hazard_unwind": ("exception_through_traced_frames", "rethrow", "rust_panic_and_catch_unwind",
                           "siglongjmp_out_of_a_signal_handler", "longjmp_musl"),
    "test_open": ("hanging_calls_are_unfinished_spans", "hanging_calls_are_shown_on_the_terminal",
                  "short_parent_leaves_a_tombstone", "guard"),
}


def matches(name, patterns):
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def choose(names, everything):
    """Of all end-to-end tests, those for the guest."""
    held = [name for name in names if matches(name.split(".")[0], MODULES) and not matches(name, LEFT_OUT)]
    if everything:
        return held
    short = [f"{module}.test_{name}" for module, tests in SHORT.items() for name in tests]
    gone = set(short) - set(names)
    if gone:
        raise LookupError(f"no such tests: {', '.join(sorted(gone))}")
    return [name for name in held if name in short]
