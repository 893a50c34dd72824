# SPDX-License-Identifier: Apache-2.0
"""From a target as the user wrote it to function objects."""

UNWRAP_MAX = 20


class Pick:
    """A function that a target names; `inner` leads to a function inside of it."""

    def __init__(self, name, function, inner=(), note=''):
        self.name, self.function, self.inner, self.note = name, function, tuple(inner), note

    def key(self):
        return id(self.function), self.inner

    def body(self):
        """The function itself: where a wrapper stands for it, the copy that the wrapper calls."""
        armed = STATE.by_function.get((id(self.function), ()))
        return armed.original if armed is not None and armed.original is not None else self.function

    def is_method(self):
        """Whether its first parameter is the object or class that it is called on."""
        module_name, _, qualname = self.name.partition(':')
        holder, _, name = qualname.rpartition('.')
        thing = sys.modules.get(module_name)
        try:
            for part in holder.split('.') if holder else ():
                thing, _ = lookup(thing, part)
            return not self.inner and is_a(thing, type) and type(lookup(thing, name)[0]) is not staticmethod
        except (Refusal, AttributeError):
            return False

    def code(self):
        code = self.body().__code__ if self.inner else self.function.__code__
        for name in self.inner:
            code = inner_code(code, name)
        return code


DICT_READERS = (type(FunctionType.__dict__['__dict__']), type(ModuleType.__dict__['__dict__']))


def is_a(thing, kinds):
    """isinstance() by the real type: a proxy's __class__ is code of the program."""
    return issubclass(type(thing), kinds)


def order_of(kind):
    return type.__dict__['__mro__'].__get__(kind)


def own_dict(thing):
    """__dict__ past any overridden lookup; {} where there is none."""
    try:
        if is_a(thing, type):
            return type.__dict__['__dict__'].__get__(thing)
        for base in order_of(type(thing)):
            reader = type.__dict__['__dict__'].__get__(base).get('__dict__')
            if reader is not None:
                found = reader.__get__(thing) if type(reader) in DICT_READERS else None
                return found if is_a(found, dict) else {}
        return {}
    except (AttributeError, TypeError):
        return {}


def name_of(thing):
    kind = thing if is_a(thing, type) else type(thing)
    name = own_dict(thing).get('__name__') if is_a(thing, ModuleType) else None
    return name if type(name) is str else type.__dict__['__qualname__'].__get__(kind)


def one_layer(thing):
    """What a wrapper object holds: (function or another wrapper, note), or None."""
    kind = type(thing)
    if kind in (staticmethod, classmethod, MethodType):
        return thing.__func__, ''
    if kind is property:
        return thing.fget, ''
    held = own_dict(thing)
    for name, note in (('__wrapped__', 'inside of its decorator'), ('fn', 'held in .fn'),
                       ('func', 'held in .func')):
        inner = held.get(name)
        if inner is not None and not is_a(inner, type) and callable_thing(inner):
            return inner, note
    made_for = own_dict(kind).get('__wrapped__')
    if is_a(made_for, (FunctionType, staticmethod)):
        return made_for, 'the function that its %s was made of' % kind.__base__.__name__
    promised = promise_of(thing)
    if promised is not None:
        return promised, ''
    if kind.__module__ == 'functools' and kind.__name__ in ('partial', 'partialmethod', 'cached_property'):
        return kind.__dict__['func'].__get__(thing) if 'func' in kind.__dict__ else thing.func, 'of a partial'
    return None


def promise_of(thing):
    """What a lazy name of Celery's stands for, once that is made; its own __dict__ would make it."""
    for base in order_of(type(thing))[1:]:
        if own_dict(base).get('__module__') == 'celery.local':
            try:
                return object.__getattribute__(thing, '__thing')
            except AttributeError:
                return None
    return None


def callable_thing(thing):
    return is_a(thing, (FunctionType, staticmethod, classmethod, property, MethodType)) or \
        one_layer(thing) is not None


def unwrap(thing, innermost=False):
    """(function, note). A Python function with a __wrapped__ chain is the outer one unless asked."""
    note = ''
    for _ in range(UNWRAP_MAX):
        if type(thing) is FunctionType:
            inner = own_dict(thing).get('__wrapped__')
            if inner is None:
                return thing, note
            if not innermost:
                return thing, note or 'the outer function of a decorator; `unwrapped` names the inner one'
            thing = inner
            continue
        layer = one_layer(thing)
        if layer is None:
            raise Refusal(why_no_function(thing))
        thing, more = layer
        note = note or more
    raise Refusal('it is wrapped more than %d times' % UNWRAP_MAX)


def why_no_function(thing):
    kind = type(thing)
    if is_a(thing, type):
        return 'it is a class: name one of its methods, such as %s.__init__' % thing.__name__
    if kind.__name__ in ('cython_function_or_method', 'fused_cython_function'):
        return 'it is compiled by Cython, and no Python code runs in it'
    if kind.__name__ in ('builtin_function_or_method', 'method_descriptor', 'wrapper_descriptor',
                         'classmethod_descriptor', 'getset_descriptor', 'member_descriptor'):
        return 'it is written in C, and no Python code runs in it'
    return 'it is no function, but a %s' % kind.__name__


def file_of(module):
    path = own_dict(module).get('__file__')
    return path if type(path) is str else ''


def base_name(path):
    return path.replace('\\', '/').rsplit('/', 1)[-1]


def modules_of(pattern, only=None):
    """[(name, module)] that a target's module part names; a script answers to its file too."""
    found = []
    for name, module in [(only, sys.modules.get(only))] if only else list(sys.modules.items()):
        if not is_a(module, ModuleType) or type(name) is not str:
            continue
        names = [name]
        file = base_name(file_of(module))
        if file:
            names.append(file)
        if name == '__main__' and file.endswith('.py'):
            names.append(file[:-3])
            spec = own_dict(module).get('__spec__')
            names.append(getattr(spec, 'name', None) or name)
        if any(n == pattern or glob_match(pattern, n) for n in names):
            found.append((name, module))
    return found


def lookup(holder, name):
    """(value, note) of an attribute without running code: own dict, then base classes."""
    held = own_dict(holder)
    if name in held:
        return held[name], ''
    if is_a(holder, type):
        for base in order_of(holder)[1:]:
            if name in own_dict(base):
                return own_dict(base)[name], 'inherited from %s' % base.__qualname__
    raise Refusal('there is no %s in %s%s' % (name, name_of(holder),
                                              suggestion(name, [n for n in held if type(n) is str])))


def pick_exact(module_name, module, qualname, innermost=False):
    outer, _, nested = qualname.partition('.<locals>.')
    thing, note = module, ''
    for name in outer.split('.'):
        if name.startswith('__') and not name.endswith('__') and is_a(thing, type):
            name = '_%s%s' % (thing.__name__.lstrip('_'), name)
        thing, more = lookup(thing, name)
        note = note or more
    inner = [name for name in nested.split('.') if name and name != '<locals>']
    function, more = unwrap(thing, innermost or bool(inner))
    pick = Pick('%s:%s' % (module_name, qualname), function, inner, note or more)
    pick.code()
    return pick


def walk(module_name, module, nested):
    """Every function that a module defines, as picks."""
    seen = set()

    def visit(holder, prefix, depth):
        for name, value in list(own_dict(holder).items()):
            if type(name) is not str or id(value) in seen:
                continue
            if is_a(value, type):
                if depth < 6 and own_dict(value).get('__module__') == module_name:
                    seen.add(id(value))
                    yield from visit(value, prefix + name + '.', depth + 1)
                continue
            try:
                function, note = unwrap(value)
            except (Refusal, AttributeError):
                continue
            if function.__globals__ is not own_dict(module) and function.__module__ != module_name:
                continue
            seen.add(id(value))
            yield Pick('%s:%s%s' % (module_name, prefix, name), function, (), note)
            if nested:
                yield from visit_codes(module_name, prefix + name, function, (), function.__code__)

    return visit(module, '', 0)


def visit_codes(module_name, qualname, function, path, code):
    for inner in codes_in(code):
        if inner.co_name.startswith('<'):
            continue
        name = '%s.<locals>.%s' % (qualname, inner.co_name)
        yield Pick('%s:%s' % (module_name, name), function, path + (inner.co_name,))
        yield from visit_codes(module_name, name, function, path + (inner.co_name,), inner)


def pick_glob(module_name, module, pattern):
    return [pick for pick in walk(module_name, module, '<locals>' in pattern)
            if glob_match(pattern.replace('[', '[[]') if '<' in pattern else pattern,
                          pick.name.partition(':')[2])]


def subclasses(base):
    found, todo = [], [base]
    while todo:
        cls = todo.pop(0)
        if cls not in found:
            found.append(cls)
            todo.extend(type.__subclasses__(cls))
    return found


def pick_overrides(module, qualname):
    """Every function that stands for C.f in C and its subclasses, by their method order."""
    class_name, _, name = qualname.rpartition('.')
    thing = module
    for part in class_name.split('.'):
        thing, _ = lookup(thing, part)
    if not is_a(thing, type):
        raise Refusal('%s is no class' % class_name)
    found, seen = [], set()
    for cls in subclasses(thing):
        for base in order_of(cls):
            if name not in own_dict(base):
                continue
            try:
                function, note = unwrap(own_dict(base)[name])
            except Refusal:
                break
            if id(function) not in seen:
                seen.add(id(function))
                found.append(Pick('%s:%s.%s' % (base.__module__, base.__qualname__, name), function, (), note))
            break
    if not found:
        raise Refusal('no class below %s has a %s%s' % (
            class_name, name, suggestion(name, [n for n in own_dict(thing) if type(n) is str])))
    return found


def pick_values(module_name, module, qualname):
    thing = module
    for part in qualname.split('.'):
        thing, _ = lookup(thing, part)
    if is_a(thing, dict):
        values = list(dict.values(thing))
    elif is_a(thing, (list, tuple, set, frozenset)):
        values = list(thing)
    else:
        raise Refusal('%s is no dict or list' % qualname)
    found = []
    for value in values:
        try:
            function, note = unwrap(value)
        except Refusal:
            continue
        found.append(Pick('%s:%s' % (function.__module__, function.__qualname__), function, (), note))
    if not found:
        raise Refusal('%s holds no Python function' % qualname)
    return found


def parse_target(target):
    """(form, module pattern, qualname)."""
    form, text = '', target.strip()
    for word in ('overrides of ', 'values of ', 'unwrapped '):
        if text.startswith(word):
            form, text = word.strip(), text[len(word):].strip()
    module, colon, qualname = text.partition(':')
    if not colon or not module or not qualname:
        raise Refusal('%s is not written as module:function' % target)
    return form, module, qualname


def select(target, only=None):
    """(picks, refusals), in one module or all. No module of the name: neither, so it waits for one."""
    form, module_pattern, qualname = parse_target(target)
    picks, refusals = [], []
    for module_name, module in modules_of(module_pattern, only):
        try:
            if form == 'overrides of':
                picks += pick_overrides(module, qualname)
            elif form == 'values of':
                picks += pick_values(module_name, module, qualname)
            elif is_glob(qualname):
                picks += pick_glob(module_name, module, qualname)
            else:
                picks.append(pick_exact(module_name, module, qualname, form == 'unwrapped'))
        except Refusal as reason:
            refusals.append(str(reason))
    return picks, refusals
