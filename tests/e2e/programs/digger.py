# SPDX-License-Identifier: Apache-2.0
"""Calls that stay open, in the main thread, in another one and in a coroutine, until a line comes."""
import asyncio
import os
import select
import threading
import time

STOP = threading.Event()


def serve():
    return middle()


def middle():
    while not STOP.is_set():
        leaf()
        if select.select([0], [], [], 0)[0]:
            STOP.set()
        time.sleep(0.002)


def other():
    return middle()


async def visit():
    return await wait()


async def wait():
    while not STOP.is_set():
        leaf()
        await asyncio.sleep(0.002)


def leaf():
    return 1


def dig():
    STOP.clear()
    threads = [threading.Thread(target=other), threading.Thread(target=asyncio.run, args=(visit(),))]
    for thread in threads:
        thread.start()
    print("dig begins", flush=True)
    serve()
    for thread in threads:
        thread.join()


print("ready", os.getpid(), flush=True)
while True:
    while not select.select([0], [], [], 0)[0]:
        time.sleep(0.002)
    line = os.read(0, 100)
    if not line:
        break
    text = line.decode().split()
    if not text:
        continue
    if text[0] == "dig":
        dig()
    else:
        leaf()
    print(text[0], "done", flush=True)
