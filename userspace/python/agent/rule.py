# SPDX-License-Identifier: Apache-2.0
"""From a rule of a request to the probe of one function."""

OPTION_EVENT, OPTION_OPEN, OPTION_ONCE, OPTION_ROOT, OPTION_ASYNC, OPTION_TRACK, OPTION_GUARD_ANY, \
    OPTION_TAKE_LINK, OPTION_TAKE_KEEP, OPTION_GIVE_END = (1 << i for i in range(10))


def compile_rule(rule, plan, code):
    """(options, fields of the probe in their order)."""
    suspends = code.co_flags & (COROUTINE | GENERATOR | ASYNC_GENERATOR)
    options = 0
    for name, option in (('open', OPTION_OPEN), ('once', OPTION_ONCE), ('root', OPTION_ROOT)):
        if rule.get(name):
            options |= option
    if rule.get('kind') == 'event':
        options |= OPTION_EVENT
    if rule.get('remote'):
        options |= OPTION_ROOT
    if suspends:
        options |= OPTION_ASYNC
    if suspends and (rule.get('active') or STATE.request.get('context')
                     or not code.co_flags & COROUTINE):
        options |= OPTION_TRACK
    entry, leaving = [], []
    for slot, when, path in rule.get('captures') or ():
        pair = slot, plan.compile(path, when == 'exit')
        (leaving if when == 'exit' else entry).append(pair)
    plan.wants_exit = bool(leaving)
    guards = rule.get('guards') or {}
    if guards.get('any'):
        options |= OPTION_GUARD_ANY
    tests = compile_tests(plan, guards.get('tests') or ())
    once = None
    if rule.get('once') and plan.shape.positional:
        once = plan.compile([['position', 0]])
    key = rule.get('key') or {}
    if key.get('as') == 'link':
        options |= OPTION_TAKE_LINK
    if key.get('keep'):
        options |= OPTION_TAKE_KEEP
    late = key.get('give_at') == 'exit'
    if late:
        options |= OPTION_GIVE_END
        plan.wants_exit = True
    give = (key['name'], plan.compile(key['give'], late)) if 'give' in key else None
    take = (key['name'], plan.compile(key['take'])) if 'take' in key else None
    remote = plan.compile(rule['remote']) if rule.get('remote') else None
    return options, (tuple(entry) or None, tuple(leaving) or None, tests or None,
                     tuple(rule.get('suppress') or ()) or None, once, remote, give, take,
                     rule.get('nearest'), code)
