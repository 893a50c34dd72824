# SPDX-License-Identifier: Apache-2.0
"""Armed functions while the tracer comes and goes."""
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


def remember():
    CODES['old'] = [called.__code__, nested.__code__, generates.__code__]
    return True


def is_plain():
    same = all(a is b for a, b in zip(CODES['old'], [called.__code__, nested.__code__, generates.__code__]))
    free = not hasattr(sys, 'monitoring') or all(sys.monitoring.get_tool(i) is None for i in (3, 4))
    return same and free


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
                 'things': things, 'lazy_worker': lazy_worker})
