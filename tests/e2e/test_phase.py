# SPDX-License-Identifier: Apache-2.0
"""Pairs whose opening site is hit again while they are open. Of 20 turns the 14th fails in its first work."""

PROFILE = """wftrace: 1
profile: phases
spans:
  - open: {call: ph_state, when: arg1:i32 != 0, again: AGAIN}
    close: {call: ph_state, when: arg1:i32 == 0}
    name: "state.{arg1:i32|map({1: 'one', 2: 'two'})}"
    error: unwound
  - {function: ph_work, rule: work}
  - {function: ph_step}
"""
TURNS = 20


def phases(t, again):
    path = t.dir / "phases.yaml"
    path.write_text(PROFILE.replace("AGAIN", again))
    trace = t.compared([t.build("phase.c"), str(TURNS)], [], "--profile", path)
    failed = [s for s in trace.spans if s.name.startswith("state.") and s.error]
    t.equal([s.name for s in failed], ["state.one"], "the phase that a longjmp left, and no other")
    t.equal([s.name for s in trace.children(failed[0])][-1:], ["ph_step"], "what ran before its end was reported")
    return trace


def test_a_phase_ends_after_the_work_it_awaits(t):
    trace = phases(t, "after(work)")
    good = TURNS - 1
    t.edges(trace, {
        (None, "state.one"): TURNS, (None, "state.two"): good, ("state.one", "ph_work"): TURNS, ("state.two", "ph_work"): good,
        ("state.one", "ph_step"): TURNS + 1, ("ph_work", "ph_step"): 2 * good,
    })


def test_further_reports_join_a_phase(t):
    trace = phases(t, "join")
    good = TURNS - 1
    t.edges(trace, {
        (None, "state.one"): TURNS, ("state.one", "ph_work"): TURNS + good, ("state.one", "ph_step"): TURNS + 1,
        ("ph_work", "ph_step"): 2 * good,
    })


def test_each_report_begins_the_next_phase(t):
    trace = phases(t, "next")
    good = TURNS - 1
    t.edges(trace, {
        (None, "state.one"): 2 * TURNS, (None, "state.two"): good, ("state.one", "ph_work"): TURNS,
        ("state.two", "ph_work"): good, ("state.one", "ph_step"): TURNS + 1, ("ph_work", "ph_step"): 2 * good,
    })
