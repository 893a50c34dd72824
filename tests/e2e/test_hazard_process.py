# SPDX-License-Identifier: Apache-2.0
"""Threads and processes that come, go and become others."""


TRIO = ["tr_outer", "tr_mid", "tr_leaf", "tr_after"]


def trio_edges(calls):
    """The edges of `calls` undisturbed calls of tr_outer."""
    return {(None, "tr_outer"): calls, ("tr_outer", "tr_mid"): calls, ("tr_mid", "tr_leaf"): calls}


def fork(t, mode, times=50, options=()):
    return t.compared([t.build("fork.c"), mode, str(times)], TRIO, *options)


def leave(t, mode):
    trace = t.compared([t.build("leave.c"), mode], TRIO)
    t.edges(trace, {(None, "tr_outer"): 200, ("tr_outer", "tr_mid"): 200, ("tr_mid", "tr_leaf"): 100})
    t.equal(trace.ledger["abandoned"], 200, "abandoned")
    t.equal(trace.ledger["completed"], 300, "completed")


def test_pthread_exit(t):
    leave(t, "exit")


def test_pthread_cancel(t):
    leave(t, "cancel")


def test_5000_short_threads(t):
    trace = t.compared([t.build("threads.c"), "short", "5000"], TRIO)
    t.edges(trace, trio_edges(5000))
    t.true(len({s.tid for s in trace.named("tr_outer")}) > 100, "the threads have tids of their own")


def test_thread_started_inside_a_call_is_its_child(t):
    trace = t.compared([t.build("threads.c"), "inside", "200"], TRIO + ["tr_starts"])
    t.edges(trace, {
        (None, "tr_starts"): 200, ("tr_starts", "tr_outer"): 200, ("tr_outer", "tr_mid"): 200,
        ("tr_mid", "tr_leaf"): 200,
    })
    for span in trace.named("tr_outer"):
        t.true(span.tid != trace.parent(span).tid, "the thread has a tid of its own")


def test_thread_that_outlives_its_starter_is_linked(t):
    trace = t.compared([t.build("threads.c"), "late", "100"], TRIO + ["tr_leaves_behind"])
    t.equal(trace.counts(), {"tr_leaves_behind": 100, "tr_outer": 100, "tr_mid": 100, "tr_leaf": 100}, "calls")
    starters = {s.id: s for s in trace.named("tr_leaves_behind")}
    for span in trace.named("tr_outer"):
        linked = [link for link in span.links if link.get("span_id") in starters]
        t.true(span.parent is None and len(linked) == 1, f"neither root nor linked to its starter: {span}")


def test_fork(t):
    trace = fork(t, "fork")
    t.edges(trace, trio_edges(200))
    t.equal(len({s.pid for s in trace.spans}), 51, "processes")


def test_fork_no_follow(t):
    trace = fork(t, "fork", options=["--no-follow"])
    t.edges(trace, trio_edges(50))
    t.equal(len({s.pid for s in trace.spans}), 1, "processes")


def test_fork_and_exec(t):
    trace = fork(t, "fork_exec")
    t.edges(trace, trio_edges(150))


def test_vfork(t):
    trace = fork(t, "vfork")
    t.edges(trace, trio_edges(50) | {(None, "tr_leaf"): 50})


def test_posix_spawn(t):
    trace = fork(t, "spawn")
    t.edges(trace, trio_edges(100))


def test_fork_inside_a_call(t):
    trace = t.compared([t.build("fork.c"), "inside", "50"], TRIO + ["tr_forks"])
    t.equal(trace.counts(), {"tr_forks": 50, "tr_leaf": 100, "tr_after": 50, "tr_outer": 50, "tr_mid": 50}, "calls")
    for span in trace.named("tr_after") + trace.named("tr_outer"):
        parent = trace.parent(span)
        linked = parent is None and span.links
        t.true((parent and parent.name == "tr_forks" and parent.pid != span.pid) or linked,
               f"a child's call is neither child of nor linked to the fork: {span}")


def test_exec_of_another_image(t):
    trace = fork(t, "exec_other")
    t.edges(trace, {(None, "tr_outer"): 4, ("tr_outer", "tr_mid"): 4, ("tr_mid", "tr_leaf"): 3})
    t.equal(trace.ledger["abandoned"], 2, "abandoned")


def test_exec_of_itself(t):
    trace = fork(t, "exec_self")
    t.edges(trace, {(None, "tr_outer"): 5, ("tr_outer", "tr_mid"): 5, ("tr_mid", "tr_leaf"): 4})
    t.equal(trace.ledger["abandoned"], 2, "abandoned")
    t.equal(len({s.pid for s in trace.spans}), 1, "processes")


def test_300_short_processes_a_second(t):
    seconds = 60 if t.soak else 3
    times = 300 * seconds
    trace = fork(t, "short", times)
    t.edges(trace, trio_edges(times) | {(None, "tr_leaf"): times})
    t.equal(len({s.pid for s in trace.named("tr_outer")}), times, "processes")


def test_attach_by_name(t):
    """-n finds every process of that name."""
    program = t.build("trio.c", name="wf-e2e-named")
    t.need_wftrace()
    targets = [t.start([program, "100"]) for _ in range(2)]
    tracer = t.attach("wf-e2e-named", TRIO[:3])
    for target in targets:
        target.go()
    for target in targets:
        t.equal(target.finish()[1], 0, "exit status")
    trace = tracer.stop()
    t.edges(trace, trio_edges(200))
    t.equal({s.pid for s in trace.spans}, {x.target_pid for x in targets}, "processes")


def test_bystander_is_not_traced(t):
    """Another process of the same file runs beside the traced one."""
    program = t.build("trio.c")
    t.need_wftrace()
    traced, other = t.start([program, "100"]), t.start([program, "100"])
    tracer = t.attach(traced, TRIO[:3])
    other.go()
    t.equal(other.finish()[1], 0, "exit status of the bystander")
    traced.go()
    t.equal(traced.finish()[1], 0, "exit status")
    trace = tracer.stop()
    t.edges(trace, trio_edges(100))
    t.equal({s.pid for s in trace.spans}, {traced.target_pid}, "processes")
