# SPDX-License-Identifier: Apache-2.0
"""An asyncio program with a database: coroutines that take turns, native calls, logs, generators."""
import asyncio
import contextvars
import functools
import logging
import os
import sqlite3

import talk

LOG = logging.getLogger("kiosk.desk")
logging.basicConfig(level=logging.INFO, stream=open(os.devnull, "w"))


class Cancelled(Exception):
    """An end that is none of our errors."""


class Desk:
    kind = "desk"

    def __init__(self, number):
        self.number = number
        self._open = True

    async def serve(self, guest, items):
        LOG.info("guest %s wants %d items", guest, len(items))
        await asyncio.sleep(0.001)
        total = 0
        for item in items:
            total += await self.fetch(item)
        return {"total": total, "ok": total < 100}

    async def fetch(self, item):
        await asyncio.sleep(0.001)
        row = look_up(item)
        await asyncio.sleep(0.001)
        return row

    @staticmethod
    def check(value):
        return value > 3

    @classmethod
    def build(cls, number):
        return cls(number)

    @property
    def is_open(self):
        return self._open


class Window(Desk):
    def greet(self, name, polite=True):
        return super().build(self.number) and f"hello {name}"


def decorated(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)
    return wrapper


@decorated
def wrapped(n):
    return n + 1


def outer(n):
    def inner(m):
        return m * n
    return [inner(i) for i in range(3)]


def numbers(n):
    for i in range(n):
        yield i


async def ticks(n):
    for i in range(n):
        await asyncio.sleep(0)
        yield i


def look_up(item):
    return BASE.execute("SELECT price FROM menu WHERE item = ?", (item,)).fetchone()[0]


async def crowd(count):
    return await asyncio.gather(*(Desk(i).serve(f"guest{i}", ["tea", "cake"]) for i in range(count)))


def refuse(order):
    try:
        int(order["price"])
    except (KeyError, ValueError) as reason:
        raise RuntimeError("no price for ä") from reason


def give_up():
    raise Cancelled("closing time")


def caught():
    try:
        refuse({})
    except RuntimeError:
        return "caught"
    return ""


def log(text):
    LOG.warning("shelf %s is empty", text)
    try:
        refuse({})
    except RuntimeError:
        LOG.exception("it failed")
    LOG.debug("not shown")


def handle(headers, path):
    return path


def order(n):
    note(n)
    return part(n) + part(n + 1)


def part(n):
    note(n)
    return n


def note(n):
    return n


async def drain():
    return [i async for i in ticks(3)]


def command(word, count=0):
    if word == "crowd":
        assert len(asyncio.run(crowd(count))) == count
    elif word == "shapes":
        desk, window = Desk.build(4), Window(7)
        for _ in range(count):
            assert Desk.check(5) and desk.is_open and wrapped(1) == 2 and outer(2) == [0, 2, 4]
            window.greet("Zoë", polite=False)
            assert sum(numbers(3)) == 3 and asyncio.run(drain()) == [0, 1, 2]
    elif word == "errors":
        for function, args in ((refuse, ({},)), (give_up, ()), (caught, ())):
            try:
                function(*args)
            except (RuntimeError, Cancelled):
                pass
    elif word == "logs":
        for i in range(count):
            log(f"{i}%")
        LOG.error("outside of all spans")
    elif word == "handle":
        for i in range(count):
            handle([(b"host", b"x"), (b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")],
                   f"/{i}")
    elif word == "orders":
        for i in range(count):
            order(i)
    elif word == "context":
        contextvars.copy_context().run(order, 1)


BASE = sqlite3.connect(":memory:", isolation_level=None)
BASE.execute("CREATE TABLE menu (item TEXT, price INTEGER)")
BASE.executemany("INSERT INTO menu VALUES (?, ?)", [("tea", 2), ("cake", 3)])
talk.listen(command)
