# SPDX-License-Identifier: Apache-2.0
"""Every kind of function and call that the agent arms; 73 calls of armed functions in all."""
import asyncio
import concurrent.futures
import functools
import queue
import threading

import guest


class Shape:
    def __init__(self, name):
        self.name = name

    def method(self, x):
        return leaf(x)

    @staticmethod
    def static(x):
        return leaf(x)

    @classmethod
    def made(cls, x):
        return leaf(x)

    @property
    def size(self):
        return leaf(1)

    def above(self):
        return super().__repr__()[:0] + __class__.__name__


def leaf(x):
    return x + 1


def outer(x):
    shape = Shape('square')
    return leaf(x) + shape.method(x) + Shape.static(x) + Shape.made(x) + shape.size


def fails(x):
    raise ValueError('bad %s' % x)


def catches(x):
    try:
        fails(x)
    except ValueError:
        return leaf(x)


def counts(n):
    for i in range(n):
        leaf(i)
        yield i


def consumes():
    numbers = counts(3)
    next(numbers)
    leaf(100)
    list(numbers)
    leaf(101)


def closes():
    numbers = counts(5)
    next(numbers)
    numbers.close()
    leaf(7)


def drops():
    numbers = counts(5)
    next(numbers)
    del numbers
    leaf(8)


async def waits(x):
    await asyncio.sleep(0.001)
    return leaf(x)


async def gathers():
    await asyncio.gather(waits(1), waits(2))
    await asyncio.ensure_future(waits(3))


async def sleeps():
    await asyncio.sleep(10)


async def cancels():
    task = asyncio.ensure_future(sleeps())
    await asyncio.sleep(0.01)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    leaf(9)


async def streams(n):
    for i in range(n):
        await asyncio.sleep(0)
        leaf(i)
        yield i


async def reads():
    async for value in streams(2):
        leaf(value + 50)


async def stops():
    stream = streams(3)
    await stream.__anext__()
    await stream.aclose()
    leaf(51)


async def in_executor():
    await asyncio.get_event_loop().run_in_executor(None, leaf, 1)


def pool():
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        list(executor.map(leaf, [1, 2]))
        executor.submit(leaf, 3).result()


def thread():
    worker = threading.Thread(target=leaf, args=(5,))
    worker.start()
    worker.join()


def works(jobs):
    while True:
        job = jobs.get()
        if job is None:
            return
        does(job)


def does(job):
    return leaf(job[0])


def queues():
    jobs = queue.Queue()
    worker = threading.Thread(target=works, args=(jobs,))
    worker.start()
    for job in ([1], [2], None):
        jobs.put(job)
    worker.join()


def factorial(n):
    return 1 if n < 2 else n * factorial(n - 1)


def everything(a, b=2, /, c=3, *rest, d=4, **more):
    return leaf(a + b + c + d + len(rest) + len(more))


def closure_of(z):
    def closure(x):
        return leaf(x + z)
    return closure


def decorator(function):
    @functools.wraps(function)
    def wrapper(*arguments):
        return function(*arguments)
    return wrapper


@decorator
def decorated(x):
    return leaf(x)


@functools.lru_cache(None)
def cached(x):
    return leaf(x)


def outermost(x):
    def inner(y):
        return x + y
    return inner(1)


closure = closure_of(5)
TARGETS = ['leaf', 'outer', 'fails', 'catches', 'counts', 'consumes', 'closes', 'drops', 'waits', 'gathers',
           'sleeps', 'cancels', 'streams', 'reads', 'stops', 'in_executor', 'pool', 'thread', 'does', 'queues',
           'factorial', 'everything', 'closure', 'decorated', 'cached', 'Shape.method', 'Shape.static',
           'Shape.made', 'Shape.size', 'Shape.above', 'outermost.<locals>.inner']


def begins():
    outer(1)
    catches(2)
    consumes()
    closes()
    drops()
    factorial(2)
    everything(1, 2, 3, 4, 5, d=6, e=7)
    closure(1)
    decorated(1)
    cached(1)
    cached(1)
    Shape('round').above()
    outermost(1)


def awaits():
    for function in (gathers, cancels, reads, stops, in_executor):
        asyncio.run(function())


def hands_over():
    pool()
    thread()
    queues()


def run():
    begins()
    awaits()
    hands_over()
    return len(threading.enumerate())


if __name__ == '__main__':
    guest.serve({'run': run, 'targets': lambda: TARGETS})
