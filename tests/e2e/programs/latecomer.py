# SPDX-License-Identifier: Apache-2.0
"""Imports what it is told to, and calls it. With arguments: those one after the other, then it ends."""
import importlib
import sys
import time

import talk


def load(name):
    for n in range(3):
        importlib.import_module(name).run(n)
    return here(name)


def here(name):
    return name


for argument in sys.argv[1:]:
    begun = time.monotonic()
    while time.monotonic() < begun + 1:
        time.sleep(0.002)
    load(argument)
if sys.argv[1:]:
    sys.exit()
talk.listen(lambda _, name: load(name))
