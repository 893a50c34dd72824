# SPDX-License-Identifier: Apache-2.0
"""Programs that make it hard for the agent: signals that raise, requests inside of requests, other tools."""
import asyncio
import os
import signal
import sys
import threading
import time
import weakref

import guest


class Alarm(Exception):
    pass


def called(n):
    return n


def calls(n):
    return called(n)


def generates(n):
    for i in range(n):
        yield called(i)


async def awaits(n):
    return called(n)


async def streams(n):
    yield called(n)


def raises_at_any_time(signum, frame):
    raise Alarm


async def collects():
    return [x async for x in streams(1)] + [await awaits(2)]


def agent():
    return sys.modules['_wftrace'].STATE


def interrupted(seconds):
    """Calls while a signal handler raises at any time; how often it did, and what is left open."""
    signal.signal(signal.SIGALRM, raises_at_any_time)
    until, count = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.0003)
            while True:
                calls(1)
                for _ in generates(2):
                    pass
        except Alarm:
            count += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    token = agent().native.current()
    return {'count': count, 'open': token is not None}


def asynchronous():
    return asyncio.run(collects())


def inside(request):
    """A request that comes in the middle of another one, in the same thread."""
    turn = agent().turn
    assert turn.take(0)
    try:
        return guest.apply(request)
    finally:
        turn.give()


def forked(request):
    """A fork in the middle of a request of another thread; what its child is told, and its calls."""
    taken, over = threading.Event(), threading.Event()

    def holds():
        agent().turn.take(0)
        taken.set()
        over.wait()
        agent().turn.give()

    thread = threading.Thread(target=holds)
    thread.start()
    taken.wait()
    child = os.fork()
    if not child:
        answer = guest.apply(request)
        os._exit(0 if answer.get('left') == 0 and calls(1) == 1 and called.__code__ is OLD['called'] else 1)
    status = os.waitpid(child, 0)[1]
    over.set()
    thread.join()
    return status


OLD = {'called': called.__code__}


def other(n):
    return n * 10


def bury():
    """Another tool puts its code over ours."""
    OLD['ours'] = called.__code__
    called.__code__ = other.__code__
    return called(1)


def unearth():
    called.__code__ = OLD['ours']
    return called(1)


def is_own():
    return called.__code__ is OLD['called'] and called(1) == 1


def take_tools():
    for tool in 3, 4:
        sys.monitoring.use_tool_id(tool, 'tool %d' % tool)
    return True


def tools():
    return [sys.monitoring.get_tool(tool) for tool in (3, 4)]


def running(request):
    """Arms what runs in another thread."""
    begun, over = threading.Event(), threading.Event()

    def waits():
        begun.set()
        over.wait()
        called(1)

    OLD['waits'] = waits
    globals()['waits'] = waits
    thread = threading.Thread(target=waits)
    thread.start()
    begun.wait()
    answer = guest.apply(request)
    over.set()
    thread.join()
    return answer


def closure_of(n):
    def closure():
        return called(n)
    return closure


def keep():
    """A closure that is there when it is armed."""
    OLD['closure'] = closure_of(3)
    return OLD['closure']()


def drop():
    """Whether it goes when the program lets go of it."""
    last = weakref.ref(OLD['closure'])
    value = OLD.pop('closure')()
    return [value, last() is None]


class Lazy:
    """Stands for something that is not there yet; every look at it is counted."""

    seen = []
    __slots__ = ('held',)

    @property
    def __class__(self):
        self.seen.append('class')
        raise RuntimeError('nothing is there yet')

    @property
    def __dict__(self):
        self.seen.append('dict')
        raise RuntimeError('nothing is there yet')

    def __getattr__(self, name):
        self.seen.append(name)
        raise RuntimeError('nothing is there yet')


lazy = Lazy()


class Job:
    def __call__(self):
        return self.run()


def job_of(function):
    """As Celery makes a task: an object of a class of its own."""
    return type(function.__name__, (Job,), {'run': staticmethod(function), '__wrapped__': staticmethod(function)})()


@job_of
def job():
    return called(1)


def looked_at():
    return [Lazy.seen, job()]


if __name__ == '__main__':
    guest.serve({'looked_at': looked_at, 'interrupted': interrupted, 'inside': inside, 'forked': forked, 'bury': bury, 'unearth': unearth,
                 'is_own': is_own, 'take_tools': take_tools, 'tools': tools, 'running': running, 'keep': keep, 'drop': drop,
                 'asynchronous': asynchronous})
