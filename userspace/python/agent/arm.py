# SPDX-License-Identifier: Apache-2.0
"""Requests: arm, list, status, disarm."""

ANSWERS_KEPT = 8
WAIT_S = 5  # for a request in another thread
NOTE_ARMED, NOTE_REFUSED, NOTE_RESTORED = 5, 6, 7


def arm_pick(pick, rule):
    """An Armed, or a Refusal."""
    code = pick.code()
    key = pick.key()
    if key in STATE.by_function:
        other = STATE.by_function[key]
        raise Refusal('rule %d has armed it already' % other.rule)
    rule = settle_arguments(rule, int(pick.is_method()))
    STATE.functions += 1
    armed = Armed(STATE.functions, rule['id'], pick.name, code)
    armed.note, armed.how, armed.key = pick.note, method_for(pick), key
    armed.suspends = bool(code.co_flags & (COROUTINE | GENERATOR | ASYNC_GENERATOR))
    STATE.armed.append(armed)  # before anything is changed, so that all of it can be taken back
    if STATE.native.traced():  # what it is has to be known before its first call is
        STATE.native.note(NOTE_ARMED, rule['id'], armed.number, json_text(told(armed)))
    try:
        if armed.how == 'monitor':
            watch_code(armed, code, rule)
        elif pick.inner:
            swap_nested(armed, pick.body(), pick.inner, rule)
        else:
            swap_function(armed, pick.function, rule)
    except Exception:
        disarm_one(armed)
        STATE.armed.remove(armed)
        raise
    STATE.by_function[key] = armed
    return armed


def disarm_one(armed):
    unwatch_code(armed)
    give_back(armed.swaps)


def give_back(swaps):
    STATE.buried += [swap for swap in reversed(swaps) if not swap.undo()]


def told(armed):
    return {'function': armed.number, 'rule': armed.rule, 'name': armed.name,
            'file': armed.code.co_filename, 'line': armed.code.co_firstlineno, 'how': armed.how,
            'async': armed.suspends, 'note': armed.note}


def arm_rule(rule, answer, again=False, module=None):
    """Arm what a rule names now, in one module or all. `again`: only what is new counts."""
    if is_unmet(rule):
        return
    try:
        picks, reasons = select(rule['target'], None if is_dynamic(rule) else module)
    except Refusal as reason:
        picks, reasons = [], [str(reason)]
    refused = [(rule['target'], why) for why in reasons]
    most = STATE.request.get('limits', {}).get('functions', 10000)
    for pick in picks:
        try:
            if again and known(pick):
                continue
            if len(STATE.armed) >= most:
                raise Refusal('%d functions are armed, which is the most' % most)
            answer['armed'].append(told(arm_pick(pick, rule)))
        except Refusal as reason:
            refused.append((pick.name, str(reason)))
        except Exception as broken:
            refused.append((pick.name, '%s: %s' % (type(broken).__name__, broken)))
    if not picks and not refused:
        answer['waiting'].append({'rule': rule['id'], 'target': rule['target'],
                                  'why': 'its module is not imported'})
    for name, why in refused:
        entry = {'rule': rule['id'], 'name': name, 'why': why}
        if not again or entry not in STATE.refused:
            answer['refused'].append(entry)
            STATE.refused.append(entry)


def known(pick):
    return pick.key() in STATE.by_function or adopt(pick)


def new_answer():
    return {'abi': ABI, 'python': '%d.%d.%d' % VERSION, 'build': BUILD, 'armed': [], 'refused': [],
            'waiting': []}


def take_back():
    """Everything as it was before. What another tool has wrapped meanwhile stays, until it can go."""
    buried, STATE.buried = STATE.buried, []
    give_back(buried)
    unwatch_program()
    for armed in reversed(STATE.armed):
        disarm_one(armed)
    give_back(STATE.hooks)
    STATE.armed, STATE.hooks, STATE.by_function, STATE.waiting = [], [], {}, []
    STATE.refused, STATE.unmet = [], []
    STATE.hooked.clear()
    STATE.logged.clear()
    if STATE.native is not None:
        if MONITORED:
            watch_sync()
        STATE.native.callables(None, None, None)
        STATE.native.standard(None, None)
        STATE.native.owned(0, 0, 0)
    STATE.rules, STATE.owner, STATE.request = [], None, None
    COMPILED.clear()


def restore():
    """Called by an armed function when nobody has traced for a while."""
    if not STATE.turn.take(0):
        raise Refusal('busy')
    try:
        STATE.lost = STATE.owner and STATE.owner['nonce']
        take_back()
        tell_lost()
    finally:
        STATE.turn.give()


def tell_lost():
    """To the one from whom all was taken back, if its probes are there only now."""
    if STATE.lost is not None and STATE.native.traced():
        STATE.lost = None
        STATE.native.note(NOTE_RESTORED, 0, 0, json_text({'why': 'nobody had traced for a while'}))


def look_again(answer, rules, module=None):
    """Arm what the rules name and was not there before; `module`: only what is in it."""
    for rule in rules:
        arm_rule(rule, answer, True, module)
    found = {entry['rule'] for entry in answer['armed'] + answer['refused']}
    STATE.waiting = [entry for entry in STATE.waiting if entry['rule'] not in found]
    if MONITORED and answer['armed']:
        watch_sync()
    STATE.native.owned(STATE.owner['nonce'], STATE.owner['pid'], max(1, len(STATE.armed)))


def do_rescan(_request):
    answer = new_answer()
    give_up_program()
    if STATE.request is not None:
        needs_now(answer)
        look_again(answer, STATE.rules)
    return answer


def rescan(module=None):
    """What came since: with a module that was just imported, or late classes and registry entries."""
    if not STATE.turn.take(0):
        return
    try:
        if STATE.request is None:
            return
        answer = new_answer()
        if module and wants_needed(module) and needs_now(answer):
            look_again(answer, STATE.rules)
        else:
            look_again(answer, [rule for rule in STATE.rules
                                if is_dynamic(rule) or module and wants_module(rule, module)], module)
        for entry in answer['refused']:
            STATE.native.note(NOTE_REFUSED, entry['rule'], 0, json_text(entry))
    finally:
        STATE.turn.give()


def do_arm(request):
    take_back()
    answer = new_answer()
    STATE.request, STATE.owner = request, request['owner']
    if STATE.lost == STATE.owner['nonce']:
        tell_lost()
    STATE.rules = request.get('rules') or []
    limits = request.get('limits') or {}
    STATE.native.settings(limits.get('string', 2048), limits.get('items', 32),
                          int(limits.get('idle_s', 10) * 1e9), int(bool(request.get('context'))))
    if MONITORED:
        STATE.closing_seen = closing_is_seen()
    standard_types()
    STATE.unmet = [(need, None) for need in request.get('needs') or []]
    needs_now(answer)
    for rule in STATE.rules:
        arm_rule(rule, answer)
    watch_program(answer)
    STATE.waiting = answer['waiting']
    tasks = suspended_tasks()
    if MONITORED:
        watch_sync(tasks)
    hand_offs()
    log_hooks()
    import_hook()
    code_hook()
    find_sdk()
    STATE.native.running(calls_inside(tasks))
    dynamic = any(is_dynamic(rule) for rule in STATE.rules)
    STATE.native.callables(restore, rescan if dynamic else None, iso_text)
    STATE.native.owned(STATE.owner['nonce'], STATE.owner['pid'], max(1, len(STATE.armed)))
    return answer


def do_list(request):
    """What a target's functions are, and whether they could be armed; nothing is changed."""
    answer = new_answer()
    for rule in request.get('rules') or []:
        try:
            picks, reasons = select(rule['target'])
        except Refusal as reason:
            picks, reasons = [], [str(reason)]
        for why in reasons:
            answer['refused'].append({'rule': rule['id'], 'name': rule['target'], 'why': why})
        if not picks and not reasons:
            answer['waiting'].append({'rule': rule['id'], 'target': rule['target'],
                                      'why': 'its module is not imported'})
        for pick in picks:
            try:
                answer['armed'].append(could_be(pick, rule, request))
            except Refusal as reason:
                answer['refused'].append({'rule': rule['id'], 'name': pick.name, 'why': str(reason)})
    return answer


def could_be(pick, rule, request):
    code = pick.code()
    Shape(code)
    held, STATE.request = STATE.request, STATE.request or request
    try:
        how = method_for(pick) if MONITORED else 'swap'
    finally:
        STATE.request = held
    return {'function': 0, 'rule': rule['id'], 'name': pick.name, 'file': code.co_filename,
            'line': code.co_firstlineno, 'how': how,
            'async': bool(code.co_flags & (COROUTINE | GENERATOR | ASYNC_GENERATOR)), 'note': pick.note}


def do_status(_request):
    answer = new_answer()
    answer['armed'] = [told(armed) for armed in STATE.armed]
    answer['waiting'] = STATE.waiting
    answer['counters'] = list(STATE.native.counters())
    answer['gate'] = STATE.native.gate()
    return answer


def do_disarm(_request):
    answer = new_answer()
    take_back()
    answer['left'] = len(STATE.buried)
    return answer


def refuse_owner(owner):
    """One tracer at a time; one whose probes are gone has no claim."""
    mine = STATE.owner
    if mine and mine['nonce'] != owner['nonce'] and STATE.native.gate():
        raise Refusal('it is traced already, by %s (pid %d)' % (mine['name'], mine['pid']))


def answer_to(request):
    try:
        if request.get('abi') != ABI:
            raise Refusal('this agent is of another version')
        refuse_owner(request['owner'])
        return {'arm': do_arm, 'list': do_list, 'status': do_status, 'rescan': do_rescan,
                'disarm': do_disarm}[request['do']](request)
    except Refusal as reason:
        return {'error': str(reason)}
    except Exception as broken:
        if request.get('do') == 'arm':
            take_back()
        return {'error': '%s: %s' % (type(broken).__name__, broken)}


def apply(request):
    """Answer a request, as JSON text. Nothing gets out of here but that."""
    if not STATE.turn.take(WAIT_S):
        return json_text({'error': 'the agent is busy with another request', 'busy': True})
    try:
        nonce, sequence = request['owner']['nonce'], request.get('sequence', 0)
        if STATE.answered.get(nonce, (None,))[0] != sequence:
            text = json_text(answer_to(request))
            while len(STATE.answered) >= ANSWERS_KEPT:
                del STATE.answered[next(iter(STATE.answered))]
            STATE.answered[nonce] = sequence, text
        return STATE.answered[nonce][1]
    finally:
        STATE.turn.give()


def start(origin, request):
    """The first request: the .so is loaded, unless an agent of the same build is here already."""
    there = sys.modules.get('_wftrace')
    if there is not None and getattr(there, 'BUILD', None) == BUILD:
        return there.apply(request)
    if there is not None and there.STATE.native is not None:
        if there.STATE.native.gate():
            return json_text({'error': 'it is traced already, by another version of wftrace'})
        there.apply({'abi': there.ABI, 'do': 'disarm', 'owner': request['owner'], 'sequence': 0})
    native = _imp.create_dynamic(type(sys.implementation)(name='_wftrace', origin=origin))
    _imp.exec_dynamic(native)
    STATE.native = native
    module = ModuleType('_wftrace')
    module.BUILD, module.ABI, module.STATE, module.apply = BUILD, ABI, STATE, apply
    sys.modules['_wftrace'] = module
    return apply(request)


def until_probed(seconds):
    """What holds up a program that begins until all three probes are there, or so long at most."""
    def wait():
        agent, end = sys.modules['_wftrace'].STATE, now() + seconds
        try:
            while agent.owner is not None and not agent.native.traced() and now() < end:
                doze(.001)
        except KeyboardInterrupt:
            interrupt_program()
    return wait


def now():
    """Seconds, on a clock that only goes forward."""
    return builtin_module('time').monotonic()


def doze(seconds):
    """time.sleep, under a name that no library patches."""
    builtin_module('_signal').sigtimedwait((), seconds)


def interrupt_program():
    """As soon as it runs: what leaves the text of a request counts as an unhandled one, and what comes while
    the interpreter looks for the program is ignored by it."""
    def once(frame, _event, _argument):
        if not frame.f_code.co_filename.startswith('<frozen '):
            sys.settrace(None)
            raise KeyboardInterrupt

    if sys.gettrace() is not None:  # its thread cannot run before the text has ended
        _thread.start_new_thread(_thread.interrupt_main, ())
        return
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get('__name__') == '__main__':
            frame.f_trace = once
        frame = frame.f_back
    sys.settrace(once)
