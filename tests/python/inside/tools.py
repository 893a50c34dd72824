# SPDX-License-Identifier: Apache-2.0
"""Programs in which other tools change functions, or in which not all code is Python's."""
import sys
import types

import guest

OLD, COPIES, SEEN = {}, [], []


def called(n):
    return n * 2


def calls(n):
    return called(n) + 1


def wrapped_code(function):
    """As tools do that patch bytecode: the function gets code that calls a copy of it."""
    copy = types.FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__,
                              function.__closure__)

    def wrapper(n):
        SEEN.append(n)
        return COPIES[0](n)

    COPIES[:] = [copy]
    return wrapper.__code__.replace(co_name=function.__name__)


def patch():
    OLD['called'] = called.__code__
    called.__code__ = OLD['patched'] = wrapped_code(called)
    return calls(1)


def unpatch():
    """The tool takes its code back, whatever is there by now."""
    called.__code__ = OLD['called']
    return calls(1)


def is_patched():
    return called.__code__ is OLD['patched']


def is_own():
    return called.__code__ is OLD['called']


def run(n):
    SEEN.clear()
    return [calls(n), len(SEEN)]


def compiled():
    """Import what Cython made."""
    import compiled_things
    return [compiled_things.works(1), compiled_things.Thing().method(1)]


def turns():
    import gevent
    gevent.joinall([gevent.spawn(outer, name) for name in 'ab'])
    return True


def outer(name):
    for i in range(3):
        inner(name, i)


def inner(name, i):
    import gevent
    gevent.sleep(0)
    return i


def interpreter():
    """The same function in another interpreter of this process."""
    name = '_interpreters' if sys.version_info >= (3, 13) else '_xxsubinterpreters'
    interpreters = __import__(name)
    number = interpreters.create()
    text = 'def called(n):\n return n\nfor i in range(50):\n called(i)\n'
    try:
        interpreters.run_string(number, text)
    finally:
        interpreters.destroy(number)
    return calls(3)


if __name__ == '__main__':
    guest.serve({'patch': patch, 'unpatch': unpatch, 'is_patched': is_patched, 'is_own': is_own, 'run': run,
                 'compiled': compiled, 'turns': turns, 'interpreter': interpreter})
