#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# End-to-end tests that keep all threads of wftrace busy, under ThreadSanitizer; a race ends it with
# a status of its own, and so fails the test. Called by `make soak`.
set -eu
export WFTRACE="$O/san-thread/wftrace" TSAN_OPTIONS="exitcode=66 history_size=4"
exec python3 tests/e2e/run.py --patience 4 \
    -k test_attach_and_detach_cycles -k test_terminal_gone -k test_output_closed -k full_pipe \
    -k test_dlopen_after -k test_exec_of -k test_fork -k test_300_short -k test_hanging_calls \
    -k "test_otlp.*" -k "test_replay.*" -k test_run.test_
