#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The demo: start the workflow, which knows nothing of tracing, attach to it, show its span trees.
# Where this machine cannot trace it shows what could be traced, and says so. Called by `make demo`.
set -eu
O=${O:-build}
seconds=${DEMO_SECONDS:-5}

set -- \
    -f 'flow::Pipeline::run_pipeline(pipeline.name=self->0:str, pipeline.run=self->8:i32)' \
    -f 'flow::Pipeline::run_stage' \
    -f 'flow::Pipeline::publish_report' \
    -f 'flow::run_task(task.name=arg1:str, task.id=arg2:i32, task.rows=return:i32) error return:i32 < 0' \
    -f 'flow::retry_task(task.attempt=arg2:i32)' \
    -f 'flow::fetch_records(records.source=arg1:str, records.count=return:i32)' \
    -f 'flow::Store::store_result'

if ! why=$(sh scripts/can_trace.sh); then
    echo "demo: $why"
    echo "demo: skipped: attaching to the workflow. What could be traced in it:"
    exec "$O/wftrace" list -x "$O/demo/workflow" 'flow::*'
fi

"$O/demo/workflow" --seconds 120 &
workflow=$!
trap 'kill "$workflow" 2>/dev/null || true; wait "$workflow" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM

echo "+ wftrace attach -p $workflow -d ${seconds}s --to console (with 7 rules of demo/run.sh)"
"$O/wftrace" attach -p "$workflow" -d "${seconds}s" --to console "$@"
