# SPDX-License-Identifier: Apache-2.0
"""A Python program that runs code all the time and does what it is told."""
import ctypes
import logging
import os
import sys
import threading
import time

import talk

LIBC = ctypes.CDLL(None)


class Shop:
    def __init__(self, name):
        self.name = name

    def order(self, n, rows):
        total = 0
        for price in rows:
            total += item(price, None)
        if n % 5 == 4:
            try:
                fail()
            except ValueError:
                pass
        return total


def item(price, missing):
    return price


def fail():
    raise ValueError("sold out")


KIND = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))


@KIND
def _callback(a, b):
    return compare(a[0], b[0])


def compare(a, b):
    return a - b


def sort():
    numbers = (ctypes.c_int * 5)(5, 3, 1, 4, 2)
    LIBC.qsort(numbers, 5, 4, _callback)
    assert list(numbers) == [1, 2, 3, 4, 5]


def fork():
    pid = os.fork()
    if not pid:
        for n in range(4):
            Shop("child").order(n, [5, 10, 20])
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0


def deep(n=0):
    """How deep calls can go."""
    try:
        return deep(n + 1)
    except RecursionError:
        return n


CHANGEABLE = (Shop.order, item, fail, threading.Thread.start, threading.Thread._bootstrap_inner,
              logging.Logger.handle, sys.modules["_frozen_importlib"]._load_unlocked)
CODES = [f.__code__ for f in CHANGEABLE]


def is_intact():
    same = CODES == [f.__code__ for f in CHANGEABLE]
    watched = [sys.monitoring.get_tool(i) for i in range(6)] if hasattr(sys, "monitoring") else []
    return same and not any(watched)


def serve():
    """Work until nobody traces any more."""
    while not is_intact():
        SHOP.order(4, [5, 10, 20])
        time.sleep(0.001)
    print("serve intact", flush=True)


def command(word, count=0):
    if word == "orders":
        for n in range(count):
            SHOP.order(n, [5, 10, 20])
    elif word == "sort":
        for _ in range(count):
            sort()
    elif word == "fork":
        for _ in range(count):
            fork()
    elif word == "block":
        print("block begins", flush=True)
        os.read(0, 1)
    elif word == "intact":
        return "yes" if is_intact() else "no"
    elif word == "serve":
        serve()
    elif word == "depth":
        return deep()
    elif word == "loaded":
        return "yes" if "_wftrace" in sys.modules else "no"
    return ""


SHOP = Shop("corner")
talk.listen(command)
