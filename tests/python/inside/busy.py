# SPDX-License-Identifier: Apache-2.0
"""A program that never rests: threads, an event loop with tasks that are cancelled, generators. What its
functions give is checked all the time."""
import asyncio
import os
import threading

import guest

WRONG = []
ROUNDS = {}
STOP = threading.Event()


class Shop:
    def __init__(self, rate):
        self.rate = rate

    def price(self, n):
        return n * self.rate

    @property
    def double(self):
        return self.price(2)


def adds(a, b=1, *rest, c=2, **more):
    return a + b + c + sum(rest) + len(more)


def counts(n):
    for i in range(n):
        yield adds(i, 0, c=0)


def fails(n):
    raise ValueError(n)


async def sleeps(pause):
    await asyncio.sleep(pause)
    return adds(1)


async def streams(n):
    for i in range(n):
        await asyncio.sleep(0)
        yield i


def expect(what, got, wanted):
    if got != wanted:
        WRONG.append('%s: %r' % (what, got))


def turns(name, work):
    while not STOP.is_set():
        try:
            work()
        except Exception as error:
            WRONG.append('%s: %r' % (name, error))
        ROUNDS[name] = ROUNDS.get(name, 0) + 1


def computes():
    shop = Shop(3)
    expect('method', shop.price(4), 12)
    expect('property', shop.double, 6)
    expect('function', adds(1, 2, 3, c=4, d=5), 11)
    try:
        fails(7)
    except ValueError as error:
        expect('error', error.args, (7,))


def generates():
    expect('generator', list(counts(5)), [0, 1, 2, 3, 4])
    numbers = counts(5)
    next(numbers)
    numbers.close()
    STOP.wait(0.001)


async def tasks():
    expect('gather', await asyncio.gather(sleeps(0), sleeps(0.001)), [4, 4])
    expect('stream', [x async for x in streams(3)], [0, 1, 2])
    task = asyncio.ensure_future(sleeps(10))
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
        expect('cancelled', False, True)
    except asyncio.CancelledError:
        pass
    stream = streams(3)
    await stream.__anext__()
    await stream.aclose()


def loops():
    loop = asyncio.new_event_loop()
    turns('loop', lambda: loop.run_until_complete(tasks()))
    loop.close()


def begin():
    for target, arguments in ((turns, ('computes', computes)), (turns, ('computes too', computes)),
                              (turns, ('generates', generates)), (loops, ())):
        threading.Thread(target=target, args=arguments).start()
    return True


def look():
    """What may grow, and whether all threads still get on."""
    with open('/proc/self/status') as file:
        size = next(int(line.split()[1]) for line in file if line.startswith('VmRSS'))
    return {'kib': size, 'files': len(os.listdir('/proc/self/fd')), 'threads': threading.active_count(),
            'wrong': WRONG[:3], 'rounds': dict(ROUNDS)}


def end():
    STOP.set()
    return True


if __name__ == '__main__':
    guest.serve({'begin': begin, 'look': look, 'end': end})
