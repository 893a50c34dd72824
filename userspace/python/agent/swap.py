# SPDX-License-Identifier: Apache-2.0
"""Gives functions the code of a wrapper, and their own back."""


class Swap:
    """One function object whose code was replaced. `find` gives it, or None if it is gone."""

    def __init__(self, function, new, find=None):
        self.find = find or (lambda: function)
        self.old, self.new = function.__code__, new
        function.__code__ = new

    def undo(self):
        """False where another tool has put its code on top: then ours must stay, idle. Code of ours
        that nobody holds any more was thrown away by such a tool."""
        function = self.find()
        if function is not None:
            if function.__code__ is not self.new:
                return sys.getrefcount(self.new) <= 2  # this object's, and that of the call
            function.__code__ = self.old
        return True


def copy_of(function):
    """The function as it was: what the wrapper calls."""
    copy = FunctionType(function.__code__, function.__globals__, function.__name__,
                        function.__defaults__, function.__closure__)
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__qualname__ = function.__qualname__
    copy.__module__ = function.__module__
    return copy


def original_call(shape):
    return '#o(%s)' % shape.call()


def constants(probe, event):
    native = STATE.native
    return {'enter': native.event if event else native.enter, 'leave': native.leave,
            'drive': native.drive, 'suspend': native.suspend, 'resume': native.resume,
            'probe': probe, 'base': BaseException, 'stop': StopAsyncIteration,
            'closed': GeneratorExit}


def ours(code):
    """Whether this code is a wrapper of ours, of this agent or of one before."""
    return any(type(c).__name__ == 'Probe' and type(c).__module__ == 'wftrace' or
               type(c) is HookMark for c in code.co_consts)


def swap_function(armed, function, rule):
    code = function.__code__
    refuse_buried(function)
    if ours(code):
        raise Refusal('it is armed already')
    shape = Shape(code)
    plan = Plan(shape, False, function.__closure__)
    options, fields = compile_rule(rule, plan, code)
    event = rule.get('kind') == 'event'
    body = body_of(code.co_flags, options & OPTION_TRACK, event)
    text = source_of(shape, body, plan, original_call(shape))
    armed.probe = STATE.native.probe(rule['id'], armed.number, options, *fields)
    values = constants(armed.probe, event)
    values['original'] = armed.original = copy_of(function)
    armed.swaps.append(Swap(function, finish(compile_text(text), code, values)))


def swap_nested(armed, function, path, rule):
    """A function inside a function: its code is a constant of the outer code, at any depth."""
    refuse_buried(function)
    chain = [function.__code__]
    for name in path:
        chain.append(inner_code(chain[-1], name))
    code = chain[-1]
    if ours(code) or ours(chain[0]):
        raise Refusal('it is armed already')
    shape = Shape(code)
    plan = Plan(shape, False)
    options, fields = compile_rule(rule, plan, code)
    event = rule.get('kind') == 'event'
    body = body_of(code.co_flags, options & OPTION_TRACK, event)
    text = nested_source(source_of(shape, body, plan, '_wf_inner(' + shape.call() + ')'), code, shape)
    armed.probe = STATE.native.probe(rule['id'], armed.number, options, *fields)
    wrapper = codes_in(compile_text(text))[0]
    inner = codes_in(wrapper)[0]
    if wrapper.co_freevars != code.co_freevars or inner.co_freevars != code.co_freevars:
        raise Refusal('its closure cannot be rebuilt')
    new = finish(wrapper, code, constants(armed.probe, event), inner)
    closures = [f for f in builtin_module('gc').get_referrers(code) if type(f) is FunctionType and f.__code__ is code]
    old, replaced = code, new
    for parent in reversed(chain[:-1]):
        consts = tuple(replaced if c is old else c for c in parent.co_consts)
        old, replaced = parent, parent.replace(co_consts=consts)
    armed.swaps.append(Swap(function, replaced))
    for closure in closures:
        armed.swaps.append(Swap(closure, new, _weakref.ref(closure)))


def inner_code(code, name):
    for inner in codes_in(code):
        if inner.co_name == name:
            return inner
    raise Refusal('it has no inner function %s%s' % (
        name, suggestion(name, [c.co_name for c in codes_in(code)])))


class HookMark:
    """Stands in the constants of a hook, so that it is known as ours."""
    __slots__ = ()

    def __reduce__(self):
        return str, ()


def refuse_buried(function):
    if any(swap.find() is function for swap in STATE.buried):
        raise Refusal('another tool has put its code over the one of an earlier wftrace')


def swap_hook(function, before, after, arguments=1):
    """before(self, ...) -> note, then the function, then after(self, note, result)."""
    code = function.__code__
    refuse_buried(function)
    if ours(code):
        raise Refusal('it is hooked already')
    shape = Shape(code)
    body = HOOK.replace('({self})', '(%s)' % ', '.join(shape.positional[:arguments]))
    text = source_of(shape, body, None, original_call(shape))
    values = {'enter': before, 'post': after, 'original': copy_of(function)}
    new = finish(compile_text(text), code, values)
    new = new.replace(co_consts=new.co_consts + (HookMark(),))
    return Swap(function, new)
