# SPDX-License-Identifier: Apache-2.0
"""Armed functions while the tracer comes and goes."""
import concurrent.futures.process
import concurrent.futures.thread
import gc
import importlib._bootstrap
import logging
import multiprocessing.queues
import os
import queue
import sys
import threading
import time

import guest


def called(x):
    return x


def nested(x):
    def inner(y):
        return y
    return inner(x)


def generates(n):
    for i in range(n):
        called(i)
        yield i


CODES = {}


def hooked():
    return any(f is logging.Logger.handle and f.__code__ is not code for f, code in CODES['old'])


def remember():
    """Of every function: armed ones, and ones with hooks for hand-offs, logs and imports."""
    CODES['old'] = [(f, f.__code__) for f in gc.get_objects() if type(f) is type(hooked)]
    CODES['depth'] = depth()
    return True


def is_plain():
    same = all(f.__code__ is code for f, code in CODES['old'])
    return same and tools_are_free() and depth() == CODES['depth']


def tools_are_free():
    """No tool id of ours, and where one was, no callback."""
    if not hasattr(sys, 'monitoring'):
        return True
    monitoring, left = sys.monitoring, []
    for tool in 3, 4:
        if monitoring.get_tool(tool) is not None:
            return False
        monitoring.use_tool_id(tool, 'test')
        left += [monitoring.get_events(tool)] + [
            monitoring.register_callback(tool, 1 << bit, None) for bit in range(15)]
        monitoring.free_tool_id(tool)
    return not any(left)


def deep(n):
    return n and 1 + deep(n - 1)


def depth():
    return guest.depth(deep)


def call(times=1, pause=0.0):
    for i in range(times):
        called(i)
        nested(i)
        list(generates(1))
        time.sleep(pause)
    return True


def forks():
    """A child that calls, forked inside an armed function; its exit status."""
    child = os.fork()
    if not child:
        called(1)
        called(2)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def gate():
    return sys.modules['_wftrace'].STATE.native.gate()


def things():
    """What could be left behind."""
    return [len(os.listdir('/proc/self/fd')), threading.active_count()]


JOBS = queue.Queue()


def request(x):
    if x == 0:
        CODES['worker'] = threading.Thread(target=worker, daemon=True)
        CODES['worker'].start()
    JOBS.put(x)
    JOBS.join()


def worker():
    while True:
        x = JOBS.get()
        if x == 'late':
            CODES['go'].wait()
        called(x)
        JOBS.task_done()


def lazy_worker():
    """Three requests; the first starts the worker that serves all of them."""
    for x in range(3):
        request(x)
    CODES['go'] = threading.Event()
    JOBS.put('late')
    CODES['go'].set()
    JOBS.join()
    return True


if __name__ == '__main__':
    guest.serve({'remember': remember, 'is_plain': is_plain, 'call': call, 'forks': forks, 'gate': gate,
                 'things': things, 'hooked': hooked, 'lazy_worker': lazy_worker})
