# SPDX-License-Identifier: Apache-2.0
"""Imports what it is told to, and calls it. With arguments: those one after the other, then it ends."""
import importlib
import sys
import threading
import time

import talk


def load(name):
    for n in range(3):
        importlib.import_module(name).run(n)
    return here(name)


def lose(name):
    """As if nobody had traced for a while: the agent takes all back, now or as soon as it has armed something."""
    if name == "now":
        sys.modules["_wftrace"].apply.__globals__["restore"]()
    else:
        sys.setswitchinterval(1e-5)
        threading.Thread(target=wait_and_lose, daemon=True).start()


def wait_and_lose():
    while "_wftrace" not in sys.modules or sys.modules["_wftrace"].STATE.owner is None:
        time.sleep(0)
    while True:
        try:
            return lose("now")
        except Exception:  # it is being armed
            time.sleep(0)


def here(name):
    return name


for argument in sys.argv[1:]:
    begun = time.monotonic()
    while time.monotonic() < begun + 1:
        time.sleep(0.002)
    load(argument)
if sys.argv[1:]:
    sys.exit()
talk.listen(lambda word, name: {"load": load, "lose": lose}[word](name))
