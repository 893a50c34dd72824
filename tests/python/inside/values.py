# SPDX-License-Identifier: Apache-2.0
"""Values of every kind as arguments, and objects that must not be touched."""
import collections
import datetime
import decimal
import enum
import logging
import sys
import uuid

import guest

TOUCHED = []


class Colour(enum.Enum):
    RED = 'red'


class Level(enum.IntEnum):
    HIGH = 3


class Text(str):
    def __str__(self):
        TOUCHED.append('str')
        return 'changed'

    __repr__ = __str__


class Trap:
    """Whatever is done to it is noticed."""
    shared = 'of the class'

    def __init__(self):
        self.own = 'own'

    @property
    def computed(self):
        TOUCHED.append('computed')
        return 'computed'

    def __getattribute__(self, name):
        TOUCHED.append(name)
        return object.__getattribute__(self, name)

    def __eq__(self, other):
        TOUCHED.append('eq')
        return True

    def __hash__(self):
        TOUCHED.append('hash')
        return 1

    def __repr__(self):
        TOUCHED.append('repr')
        return 'repr'

    def __len__(self):
        TOUCHED.append('len')
        return 1

    def __iter__(self):
        TOUCHED.append('iter')
        return iter(())

    __str__ = __repr__


class Slotted:
    __slots__ = ('size',)

    def __init__(self):
        self.size = 11


class Order:
    def __init__(self):
        self.lines = [{'n': 2, 'name': 'a'}, {'n': 5, 'name': 'b'}]

    def total(self):
        return sum(line['n'] for line in self.lines)

    @property
    def breaks(self):
        raise RuntimeError('of a property')


class Loud(Exception):
    def __str__(self):
        TOUCHED.append('str of exception')
        return 'loud'


class Meta(type):
    def __hash__(cls):
        TOUCHED.append('hash of class')
        return 1


class Made(metaclass=Meta):
    pass


Point = collections.namedtuple('Point', 'x y')
VALUES = [
    1, -5, 2 ** 63 - 1, 2 ** 70, True, 1.5, 'text', 'gr\u00fc\u00df \U0001f600', '\ud800', 'x' * 5000, b'bytes', None,
    [1, 'a', None], (1.5, True), {3}, [Trap(), 1], list(range(100)), Colour.RED, Level.HIGH,
    decimal.Decimal('1.50'), uuid.UUID(int=5), datetime.datetime(2026, 1, 2, 3, 4, 5), datetime.timedelta(hours=1),
    Text('content'), Trap, Trap(), {'a': 1}, 10 ** 5000, bytearray(b'ab'), Made(), {1: [1]},
]


def takes(value):
    return value


def paths(trap, slotted, order, mapping, *rest, **more):
    return {'done': True}


def guarded(n):
    return n


def fails(error):
    raise error


def outer(error):
    fails(error)


class Hidden(OSError):
    @property
    def filename(self):
        TOUCHED.append('filename')
        return 'x'


class Noisy(str):
    def __str__(self):
        TOUCHED.append('str of a part')
        return 'noise'

    __repr__ = __str__


def undecodable():
    try:
        b'\xff'.decode('utf-8')
    except UnicodeDecodeError as error:
        return error


def messages():
    """Of each exception, its own text, where that may be asked for."""
    circle = []
    circle.append(circle)
    asked = [ValueError('x', 1, None), ValueError(), KeyError('k', 2.5), KeyError(('a', 1)), KeyError('k'),
             ValueError({'a': [1, {'b': b'c'}]}), OSError(2, 'missing', 'a', None, 'b'), OSError('just', 'two', b'f'),
             undecodable(), 'x'.encode, SyntaxError('bad', ('f.py', 3, 1, 'text')), ImportError('no', name='m'),
             ModuleNotFoundError('none'), StopIteration(3), SystemExit(2), OSError(5, 'only'), OSError('text')]
    asked[9] = UnicodeEncodeError('ascii', '\xe9', 0, 1, 'not in range')
    if sys.version_info >= (3, 11):
        asked.append(ExceptionGroup('many', [ValueError(1), Loud(Trap())]))
    foreign = [ValueError('x', Trap()), OSError(2, 'of', Trap()), ValueError(Trap()), ValueError(1, circle),
               ValueError('a', 'x' * 100000), ValueError(Trap(), *range(20)), ValueError('p', [Noisy('q')]), Loud('arg', Trap()),
               Hidden(2, 'h', 'f'), UnicodeDecodeError(Noisy('u'), b'x', 0, 1, 'r'), SyntaxError(Noisy('s'))]
    texts = [str(error) for error in asked]
    del TOUCHED[:]
    for error in asked + foreign:
        try:
            fails(error)
        except BaseException:
            pass
    return {'texts': texts, 'touched': TOUCHED}


class Twice:
    def call(self, deeper=True):
        return self.call(False) if deeper else 1


def closure_of(secret):
    def closure():
        return secret
    return closure


closure = closure_of('kept')


def caller():
    attempts = 4
    takes(attempts)


def local_values(n):
    total = n * 2
    return total


def run():
    del TOUCHED[:]
    for value in VALUES:
        takes(value)
    paths(Trap(), Slotted(), Order(), {'k': [7, 8]}, 'r0', 'r1', key='v')
    for n in (1, 5, 10):
        guarded(n)
    for error in (ValueError('plain %d' % 1), KeyError('k'), Loud('arg'), OSError(2, 'missing'), ValueError(Trap()),
                  OSError(2, 'of', Trap())):
        try:
            outer(error)
        except Exception:
            pass
    Twice().call()
    closure()
    caller()
    local_values(4)
    return TOUCHED


def logs():
    logger = logging.getLogger('app.db')
    logger.addHandler(logging.NullHandler())
    logger.setLevel(logging.INFO)
    logger.propagate = False
    del TOUCHED[:]
    takes(logs_inside(logger))
    return TOUCHED


def logs_inside(logger):
    logger.info('hello %s %d', 'x', 3)
    logger.debug('not wanted')
    logger.warning('object %s', Trap())
    try:
        fails(ValueError('logged'))
    except ValueError:
        logger.exception('failed')
    return None


def loguru():
    """Two sinks get three of these, one of them by an exception."""
    from loguru import logger
    lines = []
    logger.remove()
    for _ in range(2):
        logger.add(lines.append, level='INFO', format='{level} {message} {extra}')
    takes(loguru_inside(logger))
    return lines


def loguru_inside(logger):
    logger.info('hello {} {}', 'x', 3)
    logger.debug('not wanted')
    logger.info('hello {} {}', 'x', 3)
    try:
        fails(ValueError('logged'))
    except ValueError:
        logger.exception('failed')


def later():
    """A module that was not there, with a class below one that was."""
    import later_module
    return later_module.late(2)


if __name__ == '__main__':
    sys.setrecursionlimit(1000)
    guest.serve({'run': run, 'messages': messages, 'logs': logs, 'loguru': loguru, 'later': later})
