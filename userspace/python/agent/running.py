# SPDX-License-Identifier: Apache-2.0
"""Calls that go on when their functions are armed: in threads, and in tasks that wait.

Coroutines that no task of asyncio waits for are not found: only the collector of the interpreter knows
them, and asking it takes as long as the program has objects.
"""

TASKS_MAX = 10000
CHAIN_MAX = 100


def coroutine_type():
    async def sample():
        pass
    coroutine = sample()
    coroutine.close()
    return type(coroutine)


CoroutineType = coroutine_type()


def held_tasks():
    """The tasks of asyncio, by where it keeps them; looked at without running code of theirs."""
    module = own_dict(sys.modules.get('asyncio.tasks'))
    found = []
    for name in ('_all_tasks', '_scheduled_tasks'):
        references = own_dict(module.get(name)).get('data')
        if type(references) is set:
            found += [reference() for reference in list(references)]
    if type(module.get('_eager_tasks')) is set:
        found += list(module['_eager_tasks'])
    if VERSION >= (3, 14):
        all_tasks = own_dict(sys.modules.get('_asyncio')).get('all_tasks')
        for loop in running_loops() if all_tasks is not None else ():
            found += list(all_tasks(loop))
    return found[:TASKS_MAX]


def running_loops():
    """Event loops of asyncio that run in a thread."""
    module = own_dict(sys.modules.get('asyncio.base_events'))
    run = own_dict(module.get('BaseEventLoop')).get('run_forever')
    code = run.__code__ if type(run) is FunctionType else None
    for frame in sys._current_frames().values():
        while frame is not None:
            if frame.f_code is code:
                yield frame.f_locals['self']
            frame = frame.f_back


def coroutine_of(task):
    compiled = own_dict(sys.modules.get('_asyncio')).get('Task')
    if compiled is not None and is_a(task, compiled):
        return compiled.get_coro(task)
    return own_dict(task).get('_coro')


def suspended_tasks():
    """Of each task the coroutines that wait for one another, outermost first."""
    chains = []
    try:
        for task in held_tasks():
            chain, coroutine = [], coroutine_of(task)
            while type(coroutine) is CoroutineType and len(chain) < CHAIN_MAX:
                chain.append(coroutine)
                coroutine = coroutine.cr_await
            if chain and not chain[0].cr_running:
                chains.append(tuple(chain))
    except Exception:  # what asyncio keeps for itself may look different one day
        pass
    return tuple(chains)


def calls_inside(tasks):
    """How many calls of armed functions go on."""
    codes, count = {id(armed.code) for armed in STATE.armed}, 0
    for frame in sys._current_frames().values():
        while frame is not None:
            count += id(frame.f_code) in codes
            frame = frame.f_back
    for chain in tasks:
        count += sum(id(c.cr_code) in codes and c.cr_frame is not None for c in chain)
    return count
