# SPDX-License-Identifier: Apache-2.0
"""sys.monitoring: from 3.12 on, for functions and coroutines."""

TOOL_IDS = (4, 3)


def watch_open():
    """A tool id of our own, with callbacks."""
    if STATE.tool is not None:
        return
    monitoring, native = sys.monitoring, STATE.native
    for tool in TOOL_IDS:
        if monitoring.get_tool(tool) is None:
            break
    else:
        raise Refusal('both tool ids of sys.monitoring that are free for tracers are taken by %s and %s' % tuple(
            monitoring.get_tool(tool) for tool in TOOL_IDS))
    monitoring.use_tool_id(tool, 'wftrace')
    STATE.tool = tool
    for event, callback in watch_callbacks(native):
        monitoring.register_callback(tool, event, callback)
    if VERSION < (3, 15):  # these two cannot be asked for one code
        monitoring.set_events(tool, monitoring.events.PY_UNWIND | monitoring.events.PY_THROW)


def watch_callbacks(native):
    events = sys.monitoring.events
    return ((events.PY_START, native.on_start), (events.PY_RETURN, native.on_return),
            (events.PY_UNWIND, native.on_unwind), (events.PY_YIELD, native.on_yield),
            (events.PY_RESUME, native.on_resume), (events.PY_THROW, native.on_resume))


def watch_close():
    if STATE.tool is None:
        return
    monitoring, tool = sys.monitoring, STATE.tool
    STATE.tool = None
    monitoring.set_events(tool, 0)
    for event, _ in watch_callbacks(STATE.native):
        monitoring.register_callback(tool, event, None)
    monitoring.free_tool_id(tool)


def watch_sync(tasks=()):
    """The table of the .so is what is armed now; `tasks`: suspended ones, when it is first armed."""
    table = {armed.watched: armed.probe for armed in STATE.armed if armed.watched is not None}
    STATE.native.watch(table, sys._current_frames, tasks)
    if not table:
        watch_close()


def watch_code(armed, code, rule):
    plan = Plan(Shape(code), True)
    options, fields = compile_rule(rule, plan, code)
    armed.probe = STATE.native.probe(rule['id'], armed.number, options, *fields)
    watch_open()
    events = sys.monitoring.events
    wanted = events.PY_START
    if not options & OPTION_EVENT:
        wanted |= events.PY_RETURN
        if VERSION >= (3, 15):
            wanted |= events.PY_UNWIND
        if options & OPTION_TRACK:
            wanted |= events.PY_YIELD | events.PY_RESUME
            if VERSION >= (3, 15):
                wanted |= events.PY_THROW
    armed.watched = code
    sys.monitoring.set_local_events(STATE.tool, code, wanted)


def unwatch_code(armed):
    if STATE.tool is not None and armed.watched is not None:
        sys.monitoring.set_local_events(STATE.tool, armed.watched, 0)
    armed.watched = None


def closing_is_seen():
    """3.13.0 to 3.13.5 do not announce that a suspended frame is closed. Tried, not looked up."""
    monitoring, seen = sys.monitoring, []
    tool = next((tool for tool in TOOL_IDS if monitoring.get_tool(tool) is None), None)
    if tool is None:
        return False

    def sample():
        yield

    def note(code, offset, exception):
        if code is sample.__code__:
            seen.append(code)

    monitoring.use_tool_id(tool, 'wftrace')
    event = monitoring.events.PY_UNWIND
    try:
        monitoring.register_callback(tool, event, note)
        if VERSION >= (3, 15):
            monitoring.set_local_events(tool, sample.__code__, event)
        else:
            monitoring.set_events(tool, event)
        suspended = sample()
        next(suspended)
        suspended.close()
    finally:
        monitoring.set_events(tool, 0)
        monitoring.register_callback(tool, event, None)
        monitoring.free_tool_id(tool)
    return bool(seen)


def method_for(pick):
    """'monitor' or 'swap'."""
    code = pick.code()
    forced = STATE.request.get('method')
    if not MONITORED or forced == 'swap' or code.co_flags & (GENERATOR | ASYNC_GENERATOR):
        return 'swap'
    if code.co_flags & COROUTINE and not STATE.closing_seen:
        return 'swap'
    if not pick.inner and '<locals>' in code.co_qualname:
        return 'swap'  # other functions may share this code, which monitoring cannot tell apart
    return 'monitor'
