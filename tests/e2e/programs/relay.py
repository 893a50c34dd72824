# SPDX-License-Identifier: Apache-2.0
"""A program with queues of its own: requests put jobs on them, and threads or tasks that were started
by another request do them."""
import asyncio
import itertools
import queue
import threading
import uuid

import talk

NUMBERS = itertools.count()


class Job:
    def __init__(self, tries=1):
        self.number, self.id, self.tries = next(NUMBERS), uuid.uuid4(), tries


class Threads:
    """A worker that the first request starts, as pools of threads do."""

    def __init__(self):
        self.jobs, self.worker = queue.Queue(), None

    def submit(self, job):
        if self.worker is None:
            self.worker = threading.Thread(target=self.loop, daemon=True)
            self.worker.start()
        self.jobs.put(job)

    def loop(self):
        while True:
            job = self.jobs.get()
            perform(job)
            job.tries -= 1
            if job.tries:
                self.jobs.put(job)
            self.jobs.task_done()


THREADS = Threads()


def request(job):
    THREADS.submit(job)
    return job.number


def perform(job):
    return step(job.number)


def step(number):
    return number


def make():
    return Job()


async def ask(jobs, job):
    await jobs.put((str(job.id), job))
    await asyncio.sleep(0)
    return job.number


async def answer(key, job):
    await asyncio.sleep(0)
    return step(job.number)


async def consume(jobs):
    while True:
        key, job = await jobs.get()
        await answer(key, job)
        jobs.task_done()


async def first(jobs):
    """The consumers are tasks of the first request: its context is theirs for ever."""
    tasks = [asyncio.ensure_future(consume(jobs)) for _ in range(2)]
    await asyncio.sleep(0)
    return tasks


async def asks(count):
    jobs = asyncio.Queue()
    tasks = await first(jobs)
    await asyncio.gather(*[ask(jobs, Job()) for _ in range(count)])
    await jobs.join()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def command(word, count=1):
    if word == "threads":
        for _ in range(count):
            request(Job())
        THREADS.jobs.join()
    elif word == "again":
        request(Job(tries=3))
        THREADS.jobs.join()
    elif word == "made":
        for job in [make() for _ in range(count)]:
            THREADS.submit(job)
        THREADS.jobs.join()
    elif word == "tasks":
        asyncio.run(asks(count))
    elif word == "flood":
        for number in range(count):
            request_nothing(number)


def request_nothing(number):
    return number


talk.listen(command)
