# SPDX-License-Identifier: Apache-2.0
"""Starts other interpreters in every way: exec, spawn, forkserver, fork, pools."""
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor

import talk

PATIENCE = float(os.environ.get("SPAWNER_PATIENCE") or 60)  # seconds that a child works at most
SEEN = []  # who watches says by SIGUSR1 that enough of this process was traced


def work(n):
    return n


def keep_working():
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and not SEEN:
        work(os.getpid())
        time.sleep(0.005)
    return os.getpid()


def one_process(method):
    process = multiprocessing.get_context(method).Process(target=keep_working)
    process.start()
    process.join()
    assert process.exitcode == 0
    return process.pid


def one_of_a_pool(method):
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
        return pool.submit(keep_working).result()


def another_program():
    child = subprocess.Popen([sys.executable, __file__, "worker"], stdout=subprocess.DEVNULL)
    assert child.wait() == 0
    return child.pid


def no_python():
    for _ in range(20):
        subprocess.run([shutil.which("true") or sys.executable, "-c", ""], check=True)
    return 0


def command(word):
    if word == "exec":
        return another_program()
    if word == "none":
        return no_python()
    kind, method = word.split("-")
    return one_process(method) if kind == "process" else one_of_a_pool(method)


signal.signal(signal.SIGUSR1, lambda *_: SEEN.append(True))
if __name__ == "__main__":
    if sys.argv[1:] == ["worker"]:
        keep_working()
    else:
        talk.listen(command)
