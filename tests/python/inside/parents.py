# SPDX-License-Identifier: Apache-2.0
"""Calls whose parent is not the call around them."""
import asyncio
import queue
import threading
import time

import guest


def puts(job):
    JOBS.put(job)


def does(job):
    return leaf(job['id'])


def leaf(x):
    return x


def serves(headers, work=None):
    leaf(1)
    return work() if work else None


async def waits(pause):
    for _ in range(3):
        await asyncio.sleep(pause)
    busy = time.monotonic() + pause
    while time.monotonic() < busy:
        pass


JOBS = queue.Queue()


def worker():
    for _ in range(3):
        does(JOBS.get())


def queued():
    """Three jobs of three calls, done by a thread that was there before, in another order."""
    jobs = [{'id': n} for n in (1, 2, 'three')]
    for job in reversed(jobs):
        puts(job)
    thread = threading.Thread(target=worker)
    thread.start()
    thread.join()
    return True


def kept():
    """One job that is tried twice, and one under a number that nobody gave."""
    job = {'id': 'kept', 'n': 1}
    takes(makes(job))
    takes({'id': 'kept', 'n': 2})
    takes({'id': 'unknown', 'n': 3})
    try:
        makes(None)
    except TypeError:
        pass
    return True


def makes(job):
    return dict(job)


def takes(job):
    return leaf(job['id'])


def flood(first, count):
    for number in range(first, first + count):
        leaf(number)
    return True


def taken(ids):
    for number in ids:
        takes({'id': number})
    return True


def served(headers):
    """The server's call is made inside of another one, as on a connection that is kept alive."""
    serves(None, lambda: serves(headers))
    return True


def bytes_served():
    serves([(b'Host', b'x'), (b'Traceparent', b'00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00'),
            (b'tracestate', b'a=1')])
    return True


def waited():
    asyncio.run(waits(0.02))
    return True


def with_sdk():
    """Spans of an OpenTelemetry SDK around and between armed calls; their ids."""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    tracer = TracerProvider().get_tracer('test')
    seen = {}

    def inner():
        with tracer.start_as_current_span('inner') as span:
            seen['inner'] = '%x' % span.get_span_context().span_id
            leaf(2)
        leaf(3)

    leaf(0)
    with tracer.start_as_current_span('outer') as span:
        seen['outer'] = '%x' % span.get_span_context().span_id
        seen['trace'] = '%x' % span.get_span_context().trace_id
        serves(None, inner)
    assert not trace.get_current_span().get_span_context().is_valid
    return seen


if __name__ == '__main__':
    guest.serve({'queued': queued, 'kept': kept, 'flood': flood, 'taken': taken, 'served': served,
                 'bytes_served': bytes_served, 'waited': waited, 'with_sdk': with_sdk})
