# SPDX-License-Identifier: Apache-2.0
"""A Celery application: tasks that work, that fail, that take too long."""
import os
import time

import residue
from celery import Celery

app = Celery("orders", broker=os.environ["ORDERS_BROKER"], backend=os.environ["ORDERS_BROKER"])
app.conf.update(worker_hijack_root_logger=False, broker_connection_retry_on_startup=True, task_acks_late=False)


class OutOfStock(Exception):
    pass


def price(n):
    return n * 10


@app.task
def order(n):
    return price(n) + price(n + 1)


@app.task
def refuse(n):
    raise OutOfStock(f"no {n} left")


@app.task(soft_time_limit=0.2)
def ponder(n):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        time.sleep(0.005)
        price(n)
    return n


@app.task
def state(n):
    time.sleep(0.02)  # so that the other process takes one as well
    return os.getpid(), residue.changed()
