# SPDX-License-Identifier: Apache-2.0
"""Functions that a module is about to make, from 3.12 on: armed by their code before any of it runs.

Their first call may come right after their `def`, before anybody could look at the function. But its code
lies in the constants of the module's, and is what sys.monitoring watches. The code of a module that is
imported is what its loader returns; that of the program itself is seen at its first instruction, for which
all code tells that it starts, once each, from the moment that we are in until then.

Only where the name will mean that code: a `def` whose value is stored as it is made, or in one of the three
kinds of methods. What else decorates it decides what the name means, so that has to be seen first.
"""

CODE_MAX = 1 << 20  # bytes
NEAR = 512  # instructions between a decorator and the function: its defaults and annotations
TURN_S = 1  # another thread may arm just now
BEGINS_S = 10  # for the program to begin
METHOD_KINDS = ('staticmethod', 'classmethod', 'property')
OPTIMIZED = 0x01  # of functions; bodies of classes and modules have it not


class CodePick(Pick):
    """A function that is not made yet."""

    def __init__(self, name, code, method):
        self.name, self.inner, self.note, self.method, self.held = name, (True,), '', method, code

    def key(self):
        return id(self.held)

    def is_method(self):
        return self.method

    def code(self):
        return self.held


def units(code, places=None):
    """[(operation, argument)] of each instruction, with the one that it is part of where it is too wide; where
    they stand goes into places."""
    text, extended, found, wide = code.co_code, OPERATIONS['extended'], [], 0
    for at in range(0, len(text), 2):
        argument, wide = wide << 8 | text[at + 1], 0
        if text[at] == extended:
            wide = argument
            continue
        found.append((text[at], argument))
        if places is not None:
            places.append(at // 2)
    return found


OPERATIONS = {'extended': -1}


def learn_operations():
    """Whether the few instructions of a `def` are known; a version may make them otherwise than those so far."""
    if 'store' not in OPERATIONS:
        try:
            OPERATIONS.update(sampled_operations())
        except (StopIteration, IndexError):
            OPERATIONS['store'] = None
    return OPERATIONS['store'] is not None


def sampled_operations():
    """What they are called in this version."""
    def sample(text):
        return compile(text, '<wftrace>', 'exec', 0, True)

    def find(found, arguments):
        at = next(i for i in range(len(found)) if [unit[1] for unit in found[i:i + len(arguments)]] == arguments)
        return [unit[0] for unit in found[at:at + len(arguments)]]

    wide = units(sample(';'.join('a%d' % i for i in range(257))))
    last = next(i for i in range(len(wide)) if wide[i][1] == 255)
    load_name, extended = wide[last][0], wide[last + 2][0]
    load, make, store = find(units(sample('def a(): 0\ndef b(): 0\ndef c(): 0')), [1, 0, 1, 2, 0, 2])[:3]
    one = units(sample('def a(b=0): 0'))
    after = one[next(i for i in range(len(one)) if one[i][0] == make) + 1][0]
    called = units(sample('@a\ndef b(): 0'))
    begin = next(i for i in range(len(called)) if called[i][0] == make) + 1
    end = next(i for i in range(begin, len(called)) if called[i] == (store, 1))
    return {'load_name': load_name, 'load': load, 'make': make, 'attribute': None if after == store else after,
            'call': called[begin:end], 'extended': extended, 'store': store}


def stored_as(code):
    """{code: the decorator that is a kind of method, or ''} of functions whose name means themselves."""
    found, know, places, lines = {}, OPERATIONS, [], []
    text = units(code, places) if len(code.co_code) <= CODE_MAX else ()
    for at in range(len(text) - 2):
        operation, constant = text[at]
        if operation != know['load'] or text[at + 1][0] != know['make'] or constant >= len(code.co_consts):
            continue
        inner, end, kind = code.co_consts[constant], at + 2, ''
        while end < len(text) and text[end][0] == know['attribute']:
            end += 1
        if type(inner) is CodeType and text[end:end + len(know['call'])] == know['call']:
            lines = lines or [position[0] for position in code.co_positions()]
            kind = decorator([text[i] for i in range(max(0, at - NEAR), at)
                              if lines[places[i]] == inner.co_firstlineno], code)
            end += len(know['call'])
        if type(inner) is CodeType and kind is not None and end < len(text) and text[end][0] == know['store']:
            found[inner] = kind
    return found


def decorator(line, code):
    """The kind of method that is all of a line's instructions, or None."""
    if len(line) == 1 and line[0][0] == OPERATIONS['load_name'] and code.co_names[line[0][1]] in METHOD_KINDS:
        return code.co_names[line[0][1]]
    return None


def made_in(code, module_name, prefix=''):
    """(CodePick, whether its name will mean it) of all functions that a module's code makes."""
    plain = stored_as(code)
    for inner in codes_in(code):
        if inner.co_name.startswith('<'):
            continue
        name = prefix + inner.co_name
        if not inner.co_flags & OPTIMIZED:
            yield from made_in(inner, module_name, name + '.')
            continue
        method = bool(prefix) and plain.get(inner) != 'staticmethod' and inner.co_name != '__new__'
        yield CodePick('%s:%s' % (module_name, name), inner, method), inner in plain
        yield from made_inside(inner, module_name, name)


def made_inside(code, module_name, qualname):
    """Functions inside of a function; how they are decorated does not matter."""
    for inner in codes_in(code):
        if inner.co_flags & OPTIMIZED and not inner.co_name.startswith('<'):
            name = '%s.<locals>.%s' % (qualname, inner.co_name)
            yield CodePick('%s:%s' % (module_name, name), inner, False), True
            yield from made_inside(inner, module_name, name)


def mangled(qualname):
    """C._C__f for C.__f, as a name in a class is stored."""
    holder, _, name = qualname.rpartition('.')
    if holder and name.startswith('__') and not name.endswith('__'):
        return '%s._%s%s' % (holder, holder.rpartition('.')[2].lstrip('_'), name)
    return qualname


def means(pattern, qualname):
    if is_glob(pattern):
        return ('<locals>' in pattern or '<locals>' not in qualname) and \
            glob_match(pattern.replace('[', '[[]') if '<' in pattern else pattern, mangled(qualname))
    return pattern in (qualname, mangled(qualname))


def early_picks(rule, module_name, made):
    form, module_pattern, pattern = parse_target(rule['target'])
    if form not in ('', 'unwrapped') or not modules_of(module_pattern, module_name):
        return
    for pick, plain in made:
        qualname = pick.name.partition(':')[2]
        if (plain or form == 'unwrapped') and means(pattern, qualname):
            pick.name = '%s:%s' % (module_name, mangled(qualname) if is_glob(pattern) else pattern)
            yield pick


def arm_early(module_name, code, answer):
    """What the rules name among the functions that this code of a module makes."""
    if not learn_operations():
        return
    made = list(made_in(code, module_name))
    most = STATE.request.get('limits', {}).get('functions', 10000)
    for rule in STATE.rules:
        for pick in () if is_unmet(rule) else early_picks(rule, module_name, made):
            try:
                if len(STATE.armed) < most and not is_armed_code(pick.held) and method_for(pick) == 'monitor':
                    armed = arm_pick(pick, rule)
                    armed.early = True
                    answer['armed'].append(told(armed))
            except Refusal:
                pass  # when it is made, it is said why


def is_armed_code(code):
    return any(armed.watched is code for armed in STATE.armed)


def adopt(pick):
    """A function that was made meanwhile: True where its code is armed already. What was armed under its
    name, and is not what the name means now, is taken back."""
    found = False
    for armed in [armed for armed in STATE.armed if armed.early]:
        if armed.watched is pick.code():
            STATE.by_function[pick.key()] = armed
            armed.early, found = False, True
        elif armed.name == pick.name:
            forget_early(armed)
    return found


def forget_early(armed):
    disarm_one(armed)
    STATE.armed.remove(armed)
    STATE.by_function.pop(armed.key, None)


def early(module_name, code):
    if STATE.request is None or type(code) is not CodeType or not STATE.native.traced() or not STATE.turn.take(TURN_S):
        return
    try:
        answer = new_answer()
        arm_early(module_name, code, answer)
        if answer['armed']:
            watch_sync()
            STATE.native.owned(STATE.owner['nonce'], STATE.owner['pid'], len(STATE.armed))
    finally:
        STATE.turn.give()


def code_hook():
    """What loaders return for a module, just before it runs."""
    if not MONITORED:
        return
    for module_name, class_name in (('_frozen_importlib_external', 'SourceLoader'), ('zipimport', 'zipimporter'),
                                    ('_frozen_importlib_external', 'SourcelessFileLoader')):
        function = own_dict(own_dict(sys.modules.get(module_name)).get(class_name)).get('get_code')
        if type(function) is FunctionType:
            hook_once('code.' + class_name, function, loads, loaded, 2)


def loads(_loader, name):
    return name


def loaded(_loader, name, code):
    if type(name) is str and STATE.request is not None and any(wants_module(rule, name) for rule in STATE.rules):
        early(name, code)


def program():
    return own_dict(sys.modules.get('__main__'))


def is_program(frame):
    return frame.f_code.co_name == '<module>' and frame.f_globals is program()


def watch_program(answer):
    """Arm what the program itself is about to make: now, where it has begun to run, else when it does."""
    if not MONITORED or not STATE.request.get('begins'):
        return
    frame = sys._getframe(1)
    while frame is not None:
        if is_program(frame):
            arm_early('__main__', frame.f_code, answer)
            return
        frame = frame.f_back
    monitoring = sys.monitoring
    free = [tool for tool in TOOL_IDS if monitoring.get_tool(tool) is None]
    if len(free) > (STATE.tool is None):  # one is for the functions
        STATE.waiter, STATE.asked_at = free[-1], now()
        monitoring.use_tool_id(STATE.waiter, 'wftrace')
        monitoring.register_callback(STATE.waiter, monitoring.events.PY_START, code_starts)
        monitoring.set_events(STATE.waiter, monitoring.events.PY_START)


def code_starts(code, _offset):
    if code.co_name == '<module>' and is_program(sys._getframe(1)):
        quiet(program_starts)(code)
    return sys.monitoring.DISABLE


def program_starts(code):
    unwatch_program()
    early('__main__', code)


def give_up_program():
    """It should have begun long ago."""
    if STATE.waiter is not None and now() - STATE.asked_at > BEGINS_S:
        unwatch_program()


def unwatch_program():
    tool, STATE.waiter = STATE.waiter, None
    if tool is None:
        return
    monitoring = sys.monitoring
    monitoring.set_events(tool, 0)
    monitoring.register_callback(tool, monitoring.events.PY_START, None)
    monitoring.free_tool_id(tool)
    monitoring.restart_events()  # whoever takes this tool id next sees what told us once
