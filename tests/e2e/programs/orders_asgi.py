# SPDX-License-Identifier: Apache-2.0
"""A FastAPI application: awaits side by side, a thread for what blocks, errors, a database in C."""
import asyncio
import sqlite3
import threading

import residue
from fastapi import FastAPI, HTTPException

app = FastAPI()
LOCAL = threading.local()


def database():
    if not hasattr(LOCAL, "db"):
        LOCAL.db = sqlite3.connect(":memory:")
    return LOCAL.db


def look_up(item):
    return database().execute("SELECT ? * 10", (item,)).fetchone()[0]


async def fetch(n, item):
    await asyncio.sleep(0.001)
    price = look_up(item)
    await asyncio.sleep(0)
    return price


async def bill(n):
    return sum(await asyncio.gather(fetch(n, 1), fetch(n, 2)))


@app.get("/order/{n}")
async def order(n: int):
    first = await fetch(n, 3)
    return {"n": n, "total": first + await bill(n)}


@app.get("/report/{n}")
def report(n: int):
    return {"n": n, "price": look_up(n)}


class SoldOut(Exception):
    pass


@app.get("/fail/{n}")
async def fail(n: int):
    try:
        raise SoldOut(f"no {n} left")
    except SoldOut as e:
        raise HTTPException(410, f"gone {n}") from e


@app.get("/state")
def state():
    return {"changed": residue.changed()}
