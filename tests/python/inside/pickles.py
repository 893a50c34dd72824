# SPDX-License-Identifier: Apache-2.0
"""Functions of a script, pickled by value while they are armed."""
import base64

import guest


def adds(a, b=1, *c, d=2, **e):
    return a + b + d


def generates(n):
    for i in range(n):
        yield i


async def answers(a):
    return a


async def streams(n):
    for i in range(n):
        yield i


def closure_of(z):
    def closure(x):
        return x + z
    return closure


def inner_of(z):
    def inner(x):
        return x * z
    return inner


closure = closure_of(10)


def dump():
    try:
        import cloudpickle
    except ImportError:
        return None
    inner = inner_of(3)
    data = cloudpickle.dumps((adds, generates, answers, streams, closure, inner))
    return base64.b64encode(data).decode()


READ = '''
import asyncio, base64, sys
import cloudpickle
adds, generates, answers, streams, closure, inner = cloudpickle.loads(base64.b64decode(sys.stdin.read()))
async def collect():
    return [x async for x in streams(3)]
print([adds(1), adds(1, 2, d=3), list(generates(3)), asyncio.run(answers(4)), asyncio.run(collect()), closure(1),
       inner(5)])
print(sorted(name for name in sys.modules if 'wftrace' in name))
'''

if __name__ == '__main__':
    guest.serve({'dump': dump, 'reads': lambda: READ})
