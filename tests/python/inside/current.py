# SPDX-License-Identifier: Apache-2.0
"""The table of threads that native spans are put under: read back from inside of armed calls."""
import asyncio
import ctypes
import os
import sys
import threading

import guest

WRONG = []
CHECKED = []


class Anchor(ctypes.Structure):
    _fields_ = [('magic', ctypes.c_uint64), ('abi', ctypes.c_uint32), ('bytes', ctypes.c_uint32),
                ('page', ctypes.c_uint64)]


class Thread(ctypes.Structure):
    _fields_ = [('pointer', ctypes.c_uint64), ('id', ctypes.c_uint64), ('start', ctypes.c_uint64),
                ('root', ctypes.c_uint64), ('root_start', ctypes.c_uint64), ('task', ctypes.c_uint64),
                ('tid', ctypes.c_uint32), ('serial', ctypes.c_uint32)]


def shown():
    """(id, start, root, root's start) that the table has for this thread."""
    anchor = Anchor.in_dll(ctypes.CDLL(os.environ['WF_AGENT']), 'wf_agent_anchor')
    for slot in (Thread * 512).from_address(anchor.page + 192):
        if slot.pointer and slot.tid == threading.get_native_id():
            return slot.id, slot.start, slot.root, slot.root_start
    return (0, 0, 0, 0)


def look(inside=True):
    native = sys.modules['_wftrace'].STATE.native
    token = native.current()
    wanted = native.ids(token)[:4] if inside else (0,)
    got = shown()[:len(wanted)]
    CHECKED.append(got)
    if got != wanted:
        WRONG.append((got, wanted))


def plain(deeper=2):
    look()
    if deeper:
        plain(deeper - 1)
    look()


def generates():
    for _ in range(3):
        look()
        yield


async def waits(turns):
    for _ in range(turns):
        look()
        plain(0)
        await asyncio.sleep(0)
    look()


async def streams():
    for _ in range(3):
        look()
        yield
        await asyncio.sleep(0)


async def reads():
    async for _ in streams():
        look()


async def many():
    look(False)
    await asyncio.gather(*[waits(n % 5) for n in range(100)], reads(), reads())
    look(False)


def uses():
    numbers = generates()
    for _ in numbers:
        look()


def run():
    del WRONG[:], CHECKED[:]
    plain()
    look(False)
    uses()
    asyncio.run(many())
    threads = [threading.Thread(target=plain) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    look(False)
    return {'wrong': WRONG[:3], 'checked': len(CHECKED)}


if __name__ == '__main__':
    guest.serve({'run': run})
