# SPDX-License-Identifier: Apache-2.0
"""What a program can tell of its own functions must not change when they are armed."""
import asyncio
import copy
import functools
import inspect
import pickle
import sys
import traceback
import types

import guest

ME = sys.modules[__name__]
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def every(a, b=2, *c, d=4, **e):
    "what it is for"
    return a, b, c, d, e


def decorator(function):
    @functools.wraps(function)
    def wrapper(*a, **k):
        return function(*a, **k)
    return wrapper


@decorator
def decorated(a):
    return a


class Base:
    def method(self):
        return 1


class Derived(Base):
    copied = Base.method

    def method(self):
        return super().method() + 1

    @staticmethod
    def static(a):
        return a

    @classmethod
    def made(cls, a):
        return cls.__name__, a

    @property
    def size(self):
        return 5

    def __hidden(self, __value):
        return __value

    def reach(self):
        return self.__hidden(7)

    alias = method


def counter():
    n = 0

    def more():
        nonlocal n
        n += 1
        return n
    return more


more = counter()
stored = Derived().method


def outer():
    z = 10

    def inner(q):
        return q + z
    return inner(1)


part = functools.partial(every, 1)


@functools.lru_cache(None)
def cached(a):
    return a * 2


def recurse(n):
    return 0 if n == 0 else 1 + recurse(n - 1)


closed = []


def generates():
    try:
        x = yield 1
        yield x
    finally:
        closed.append(True)
    return 9


async def streams():
    try:
        x = yield 1
        yield x
    except KeyError:
        yield 'key'


async def answers(a):
    return a


@types.coroutine
def old_style():
    yield
    return 3


def many(a, b, c, d, e, g, h, i, j, k, m):
    return a


def raises():
    raise ValueError('x')


def itself():
    return guest.apply(REARM['disarm']) and 2


def lives():
    for i in range(3):
        yield i


REARM = {}
SIGNED = ('every', 'decorated', 'more', 'cached', 'generates', 'streams', 'answers', 'old_style')
TARGETS = ['every', 'decorated', 'Derived.method', 'Base.method', 'Derived.static', 'Derived.made',
           'Derived.size', 'Derived.__hidden', 'Derived.reach', 'more', 'outer', 'cached', 'recurse',
           'generates', 'streams', 'answers', 'old_style', 'many', 'raises']
SIGNATURES = {name: str(inspect.signature(getattr(ME, name))) for name in SIGNED}
CODES = {}


def functions():
    found = [Base.method, Derived.method, Derived.static, Derived.made.__func__, Derived.size.fget]
    return found + [inspect.unwrap(getattr(ME, name)) for name in SIGNED] + [outer, recurse, many, raises]


@check
def all_kinds_of_arguments():
    return every(1) == (1, 2, (), 4, {}) and every(1, 3, 5, d=6, z=7) == (1, 3, (5,), 6, {'z': 7})


@check
def defaults_that_change_later():
    every.__defaults__ = (22,)
    try:
        return every(1)[1] == 22
    finally:
        every.__defaults__ = (2,)


@check
def keyword_defaults_that_change_later():
    every.__kwdefaults__ = {'d': 44}
    try:
        return every(1)[3] == 44
    finally:
        every.__kwdefaults__ = {'d': 4}


@check
def wrong_arguments_are_refused():
    try:
        every()
    except TypeError as error:
        return "missing 1 required positional argument: 'a'" in str(error)


@check
def signatures():
    return {name: str(inspect.signature(getattr(ME, name))) for name in SIGNED} == SIGNATURES


@check
def kinds_of_functions():
    old = sys.version_info >= (3, 14) or asyncio.iscoroutinefunction(answers)
    return (inspect.iscoroutinefunction(answers) and old
            and inspect.isgeneratorfunction(generates) and inspect.isasyncgenfunction(streams)
            and inspect.isgeneratorfunction(old_style) and not inspect.iscoroutinefunction(every))


@check
def method_and_super():
    return Derived().method() == 2


@check
def bound_method_stored_before():
    return stored() == 2


@check
def static_class_and_property():
    return Derived.static(3) == 3 and Derived.made(3) == ('Derived', 3) and Derived().size == 5


@check
def mangled_names():
    return Derived().reach() == 7


@check
def aliases_and_copies():
    return Derived().alias() == 2 and Derived().copied() == 1


@check
def nonlocal_closure():
    first = more()
    return more() == first + 1


@check
def function_with_inner_function():
    return outer() == 11


@check
def partial():
    return part()[0] == 1


@check
def lru_cache():
    return cached(3) == 6 and cached(3) == 6 and cached.cache_info().hits >= 1


@check
def pickle_by_reference():
    return pickle.loads(pickle.dumps(every)) is every


@check
def deepcopy():
    return copy.deepcopy(every) is every


@check
def generator_send_and_return():
    numbers = generates()
    if next(numbers) != 1 or numbers.send(5) != 5:
        return False
    try:
        next(numbers)
    except StopIteration as stop:
        return stop.value == 9


@check
def generator_throw_and_close():
    numbers = generates()
    next(numbers)
    del closed[:]
    try:
        numbers.throw(KeyError('k'))
    except KeyError:
        pass
    numbers = generates()
    next(numbers)
    numbers.close()
    return len(closed) == 2


@check
def async_generator():
    async def use():
        stream = streams()
        got = [await stream.__anext__(), await stream.asend(4)]
        await stream.aclose()
        stream = streams()
        got.append(await stream.__anext__())
        got.append(await stream.athrow(KeyError()))
        await stream.aclose()
        return got
    return asyncio.run(use()) == [1, 4, 1, 'key']


@check
def coroutine():
    return asyncio.run(answers(3)) == 3


@check
def generator_based_coroutine():
    async def use():
        return await old_style()
    return asyncio.run(use()) == 3


@check
def source_and_doc():
    return inspect.getsource(every).startswith('def every(a, b=2') and every.__doc__ == 'what it is for'


@check
def many_arguments():
    return many(*range(11)) == 0


@check
def traceback_names_the_raising_line():
    try:
        raises()
    except ValueError as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return last.name == 'raises' and last.line == "raise ValueError('x')"


@check
def name_and_attributes():
    return (every.__name__, every.__qualname__, every.__module__) == ('every', 'every', '__main__') and \
        every.__code__.co_varnames[:2] == ('a', 'b') and every.__code__.co_name == 'every'


@check
def recursion():
    return recurse(100) == 100


@check
def subclass_made_later():
    class Later(Derived):
        def method(self):
            return super().method() + 1
    return Later().method() == 3


@check
def pickling_an_instance_calls_nothing():
    return type(pickle.loads(pickle.dumps(Derived()))) is Derived


def run():
    failed = []
    for function in CHECKS:
        try:
            good = function()
        except Exception:
            good = False
            traceback.print_exc()
        if not good:
            failed.append(function.__name__)
    return {'failed': failed, 'count': len(CHECKS)}


def remember():
    CODES['before'] = [f.__code__ for f in functions()]
    return True


def restored():
    return all(a is b for a, b in zip(CODES['before'], [f.__code__ for f in functions()]))


def disarmed_inside(request):
    """A function that is disarmed while it runs ends as if nothing had happened."""
    REARM['disarm'] = request
    return itself()


def suspended(arm, disarm):
    """Generators that are suspended when they are armed, and when they are disarmed."""
    before = lives()
    next(before)
    guest.apply(arm)
    during = lives()
    next(during)
    first = list(before)
    guest.apply(disarm)
    return [first, list(during)]


def depth():
    sys.setrecursionlimit(1000)
    return guest.depth(recurse)


if __name__ == '__main__':
    guest.serve({'run': run, 'targets': lambda: TARGETS, 'remember': remember, 'restored': restored,
                 'inside': disarmed_inside, 'suspended': suspended, 'depth': depth})
