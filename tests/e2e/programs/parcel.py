# SPDX-License-Identifier: Apache-2.0
"""A program whose calls are parents in other ways than by being around: remote ones, queues, super chains."""
import asyncio
import logging
import os
import sys
import threading
import time

import talk

REMOTE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class NotFound(LookupError):
    """An answer, not an error."""


class Base:
    def send(self, depth):
        return depth and self.send(depth - 1)


class Parcel(Base):
    def send(self, depth):
        return super().send(depth)


def handle(headers):
    step()
    return len(headers)


def step():
    return 1


def fresh():
    return step()


def quiet():
    return loud()


def loud():
    return step()


def outer(work):
    return work()


def put(queue, number):
    queue.append(number)


def take(queue):
    return work(queue.pop(0))


def work(number):
    return number


def find(number):
    raise NotFound(number) if number else KeyError(number)


def cancelled():
    raise asyncio.CancelledError


async def wait():
    for _ in range(3):
        await asyncio.sleep(0.002)


def step_and_become(program):
    pid = os.fork()
    if not pid:
        for _ in range(3):
            step()
        os.execv(program[0], program)
    status = os.waitpid(pid, 0)[1]
    assert status == 0, status


def keep_busy(seconds):
    """As if the agent were answering another request."""
    turn = sys.modules["_wftrace"].STATE.turn
    assert turn.take(0)
    time.sleep(seconds)
    turn.give()


class Keeper(logging.Handler):
    """Shows what a formatter of the program could show."""

    def emit(self, record):
        self.seen = getattr(record, "trace_id", "-") + "/" + getattr(record, "span_id", "-")


KEEPER = Keeper()
LOG = logging.getLogger("parcel")
LOG.addHandler(KEEPER)


def complain():
    LOG.warning("it is %s", "late")
    return KEEPER.seen


def attempt(function, *args):
    try:
        function(*args)
    except (LookupError, asyncio.CancelledError):
        pass


def command(word):
    if word == "remote":
        outer(lambda: handle({"traceparent": REMOTE}))
        outer(lambda: handle([(b"host", b"x"), (b"traceparent", REMOTE.encode())]))
        outer(lambda: handle({}))
    elif word == "root":
        outer(fresh)
    elif word == "once":
        Parcel().send(2)
        outer(lambda: Parcel().send(0))
    elif word == "suppress":
        outer(quiet)
        outer(loud)
    elif word == "queue":
        queue = []
        for i in range(5):
            put(queue, i)
        while queue:
            take(queue)
    elif word == "errors":
        for function, *args in ((find, 1), (find, 0), (cancelled,)):
            attempt(function, *args)
    elif word == "become":
        step_and_become([sys.executable, "-c", ""])
    elif word == "again":
        step()
        print(word, "done", flush=True)
        os.execv(sys.executable, [sys.executable, __file__])
    elif word == "busy":
        threading.Thread(target=keep_busy, args=(6,)).start()
    elif word == "step":
        step()
    elif word == "complain":
        return complain()
    elif word == "wait":
        asyncio.run(wait())
    return ""


talk.listen(command)
