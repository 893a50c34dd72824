# SPDX-License-Identifier: Apache-2.0
"""Ways in which calls nest, one function each; its docstring is the tree that must come of it."""
import asyncio
import concurrent.futures
import contextvars
import sys
import textwrap
import threading

import guest

CASES = {}


def case(oldest):
    def add(function):
        if sys.version_info >= oldest:
            CASES[function.__name__] = function
        return function
    return add


def leaf(x):
    return x


async def step(x, pause=0.001):
    await asyncio.sleep(pause)
    return leaf(x)


async def outer(work):
    return await work


def items(n):
    for i in range(n):
        yield leaf(i)


def chain(n):
    yield from items(n)
    leaf(n)


def request(work):
    return work()


def background():
    return request(lambda: leaf(1))


@case((3, 8))
async def tasks_made_in_a_call_are_its_children():
    """
    outer returned async
      step returned async
        leaf returned
      step returned async
        leaf returned
    """
    async def both():
        first, second = asyncio.ensure_future(step(1, 0.002)), asyncio.ensure_future(step(2))
        await second
        await first
    await outer(both())


@case((3, 8))
async def a_call_that_is_cancelled_by_a_time_out():
    """
    outer returned async
      leaf returned
      step cancelled async
    """
    async def limited():
        try:
            await asyncio.wait_for(step(1, 10), 0.01)
        except asyncio.TimeoutError:
            leaf(1)
    await outer(limited())


@case((3, 8))
async def one_of_many_fails():
    """
    outer raised async
      fails raised async
      step cancelled async
    """
    async def all_of_them():
        pending = asyncio.ensure_future(step(1, 10))
        try:
            await asyncio.gather(pending, fails())
        finally:
            pending.cancel()
            try:
                await pending
            except asyncio.CancelledError:
                pass
    try:
        await outer(all_of_them())
    except ValueError:
        pass


async def fails():
    await asyncio.sleep(0)
    raise ValueError('no')


@case((3, 8))
async def what_is_shielded_goes_on():
    """
    outer returned async
      step returned async
        leaf returned
    """
    async def shielded():
        inner = asyncio.ensure_future(step(1, 0.02))
        try:
            await asyncio.wait_for(asyncio.shield(inner), 0.005)
        except asyncio.TimeoutError:
            await inner
    await outer(shielded())


@case((3, 8))
async def callbacks_of_the_loop():
    """
    outer returned async
      leaf returned
      leaf returned
    """
    async def later():
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        loop.call_soon(leaf, 1)
        loop.call_later(0.002, lambda: (leaf(2), done.set()))
        await done.wait()
    await outer(later())


@case((3, 8))
async def an_executor_of_the_loop():
    """
    outer returned async
      leaf returned
      leaf returned
    """
    async def run():
        loop = asyncio.get_running_loop()
        await asyncio.gather(loop.run_in_executor(None, leaf, 1), loop.run_in_executor(None, leaf, 2))
    await outer(run())


@case((3, 9))
async def to_thread():
    """
    outer returned async
      leaf returned
    """
    await outer(asyncio.to_thread(leaf, 1))


@case((3, 11))
async def groups_of_tasks():
    """
    outer returned async
      step returned async
        leaf returned
      step returned async
        leaf returned
    """
    async def group():
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(step(1))
            tasks.create_task(step(2))
    await outer(group())


@case((3, 11))
async def a_group_that_fails():
    """
    outer returned async
      fails raised async
      leaf returned
      step cancelled async
    """
    async def group():
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(step(1, 10))
                tasks.create_task(fails())
        except BaseException:
            leaf(1)
    await outer(group())


@case((3, 11))
async def a_time_out_around_a_call():
    """
    outer returned async
      leaf returned
      step cancelled async
    """
    async def limited():
        try:
            async with asyncio.timeout(0.01):
                await step(1, 10)
        except TimeoutError:
            leaf(1)
    await outer(limited())


@case((3, 8))
def generators_that_take_turns():
    """
    items cancelled async
      leaf returned
      leaf returned
    items returned async
      leaf returned
      leaf returned
    leaf returned
    leaf returned
    """
    for a, b in zip(items(2), items(2)):
        leaf(a + b)


@case((3, 8))
def generators_inside_of_generators():
    """
    chain returned async
      items returned async
        leaf returned
        leaf returned
      leaf returned
    leaf returned
    leaf returned
    """
    for x in chain(2):
        leaf(x)


@case((3, 8))
def a_generator_that_another_thread_goes_on_with():
    """
    items returned async
      leaf returned
      leaf returned
    leaf returned
    """
    numbers = items(2)
    next(numbers)
    thread = threading.Thread(target=list, args=(numbers,))
    thread.start()
    thread.join()
    leaf(1)


@case((3, 8))
def a_context_of_before_is_not_inside():
    """
    leaf returned
    leaf returned
    request returned
    """
    context = contextvars.copy_context()
    request(lambda: context.run(leaf, 1))
    context.run(leaf, 2)


@case((3, 8))
def pools_in_a_call():
    """
    request returned
      leaf returned
      leaf returned
      request returned
        leaf returned
    """
    def use():
        with concurrent.futures.ThreadPoolExecutor(1) as executor:
            executor.submit(leaf, 1).result()
            executor.submit(background).result()
            executor.submit(leaf, 2).result()
    request(use)


@case((3, 8))
def a_request_in_a_thread_that_a_request_started():
    """
    request returned
      leaf returned
      request returned
        leaf returned
    """
    def use():
        thread = threading.Thread(target=background)
        thread.start()
        thread.join()
        leaf(2)
    request(use)


@case((3, 8))
def an_error_that_is_caught_inside_is_none():
    """
    request returned
      request raised
    """
    def use():
        try:
            request(lambda: {}['k'])
        except KeyError:
            return 1
    request(use)


def run(name):
    function = CASES[name]
    if function.__code__.co_flags & 0x80:  # async def
        asyncio.run(function())
    else:
        function()
    return textwrap.dedent(function.__doc__).strip() + '\n'


if __name__ == '__main__':
    guest.serve({'cases': lambda: list(CASES), 'run': run})
