# SPDX-License-Identifier: Apache-2.0
"""Calls that run already when their functions are armed: in threads, in tasks, and in themselves."""
import asyncio
import threading

import guest


def called(n):
    return n


class Place:
    """Where a thread waits until it is told to go on."""

    def __init__(self):
        self.there, self.go = threading.Semaphore(0), threading.Semaphore(0)

    def stop(self):
        self.there.release()
        self.go.acquire()


PLACES, THREADS = {}, []


def outer(place):
    middle(place, 7)
    called(2)


def middle(place, number):
    place.stop()
    called(1)
    place.stop()
    thread = threading.Thread(target=called, args=(3,))
    thread.start()
    thread.join()


def stays(place):
    place.stop()


def again(place, n):
    if n == 2:
        place.stop()
    return n and again(place, n - 1)


def breaks(place):
    place.stop()
    raise KeyError(called(8))


def catches(place):
    try:
        breaks(place)
    except KeyError:
        pass


def spins(place):
    asyncio.run(loops(place))


async def loops(place):
    event = asyncio.Event()
    tasks = [asyncio.ensure_future(handles(event)) for _ in range(2)]
    await asyncio.sleep(0)
    place.stop()
    event.set()
    await asyncio.gather(*tasks)
    await asyncio.ensure_future(later())


async def handles(event):
    await waits(event)
    called(5)


async def waits(event):
    await event.wait()
    called(4)


async def later():
    await asyncio.sleep(0)
    called(6)


def begin(name):
    place = PLACES[name] = Place()
    arguments = (place, 2) if name == 'again' else (place,)
    thread = threading.Thread(target=globals()[name], args=arguments)
    THREADS.append((name, thread))
    thread.start()
    place.there.acquire()
    return True


def go_on(name):
    """To its next stop."""
    PLACES[name].go.release()
    PLACES[name].there.acquire()
    return True


def finish(name):
    PLACES[name].go.release()
    for other, thread in THREADS:
        if other == name:
            thread.join()
    return True


def call(n):
    return called(n)


if __name__ == '__main__':
    guest.serve({'begin': begin, 'go_on': go_on, 'finish': finish, 'call': call})
