# SPDX-License-Identifier: Apache-2.0
"""Sends Celery tasks and says what became of them: a line each."""
import sys

from orders_celery import order, ponder, refuse, state

print("ready 0", flush=True)
for line in sys.stdin:
    word, *numbers = line.split()
    first, last = map(int, numbers or (0, 0))
    sent = [({"order": order, "refuse": refuse, "ponder": ponder, "state": state}[word]).delay(n) for n in range(first, last)]
    for n, result in enumerate(sent, first):
        try:
            print(n, result.get(timeout=60), flush=True)
        except Exception as e:  # noqa: BLE001  (what the worker says went wrong)
            print(n, type(e).__name__, e, flush=True)
    print(word, "done", last, flush=True)
