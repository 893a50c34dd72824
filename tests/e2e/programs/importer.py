# SPDX-License-Identifier: Apache-2.0
"""In the middle of an import most of the time: takes a module's lock again and again, as `import` does, until a
line comes."""
import os
import select
import sys
from _frozen_importlib import _ModuleLock as Lock


def work(lock):
    for _ in range(1000):
        sys.modules.pop("gc", None)  # what an agent needs, and few programs have
        lock.acquire()
        lock.release()


print("ready", os.getpid(), flush=True)
while not select.select([0], [], [], 0)[0]:
    work(Lock("wares"))
