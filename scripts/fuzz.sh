#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs each fuzzer for FUZZ_SECONDS over its corpus; new inputs and crashes land under $O. Called by
# `make fuzz`.
set -eu
failed=0
count=0
for fuzzer in "$O"/fuzzers/fuzz_*; do
    [ -x "$fuzzer" ] || continue
    name=${fuzzer##*/fuzz_}
    work=$O/corpus/$name
    mkdir -p "$work" "$O/crashes"
    set -- "$work"
    [ ! -d "tests/fuzz/corpus/$name" ] || set -- "$@" "tests/fuzz/corpus/$name"
    [ ! -f "tests/fuzz/seed_$name.sh" ] || sh "tests/fuzz/seed_$name.sh" "$work"
    count=$((count + 1))
    if "$fuzzer" -max_total_time="$FUZZ_SECONDS" -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="$O/crashes/$name-" "$@" >"$O/$name.log" 2>&1; then
        echo "ok      fuzz $name: $(sed -n 's/^Done \([0-9]*\) runs.*/\1 inputs/p' "$O/$name.log")"
    else
        tail -n 40 "$O/$name.log"
        echo "not ok  fuzz $name: see $O/$name.log and $O/crashes"
        failed=$((failed + 1))
    fi
done
echo "fuzz: $((count - failed)) passed, $failed failed, 0 skipped"
[ $failed = 0 ]
