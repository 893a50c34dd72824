# SPDX-License-Identifier: Apache-2.0
"""Asks PostgreSQL through libpq: one connection in a loop of coroutines, and one of each thread."""
import asyncio
import sys
import threading

import psycopg2

import talk

LOCAL = threading.local()


def connection():
    if not hasattr(LOCAL, "link"):
        LOCAL.link = psycopg2.connect(sys.argv[1])
        LOCAL.link.autocommit = True
    return LOCAL.link


def query(n):
    with connection().cursor() as cursor:
        cursor.execute("SELECT %s * 2", (n,))
        return cursor.fetchone()[0]


def broken(n):
    with connection().cursor() as cursor:
        cursor.execute("SELECT 1 / %s", (n,))


async def visit(n):
    await asyncio.sleep(0.001 * (n % 7))
    first = query(n)
    await asyncio.sleep(0)
    return first + query(n)


async def crowd(count):
    return sum(await asyncio.gather(*(visit(n) for n in range(count))))


def worker(count):
    assert [query(n) for n in range(count)] == [2 * n for n in range(count)]


def command(word, count):
    if word == "crowd":
        assert asyncio.run(crowd(count)) == sum(4 * n for n in range(count))
    elif word == "threads":
        threads = [threading.Thread(target=worker, args=(count,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    elif word == "broken":
        try:
            broken(0)
        except psycopg2.errors.DivisionByZero:
            pass


query(1)
talk.listen(command)
