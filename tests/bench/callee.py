# SPDX-License-Identifier: Apache-2.0
"""What is traced: `callee.py CPU [SDK]` says `ready PID`, then answers each line `NAME COUNT BATCHES`
with `NAME NS`: the best batch's time of one call, loop included. SDK: a folder with OpenTelemetry's."""
import os
import select
import sys
from itertools import repeat
from time import perf_counter_ns
from types import FunctionType


class Worker:
    def __init__(self):
        self.region = "eu-west-1"

    def chosen(self, text):
        return text

    def alone(self, text):
        return text

    def spanned(self, text):
        with TRACER.start_as_current_span("chosen", attributes={"text": text, "region": self.region}):
            return text


def unchosen(text):
    return text


def raising(text):
    raise KeyError(text)


def call_apart(function, count):
    """Nanoseconds of that many calls, without a span around."""
    text, times = "a twenty byte string", repeat(None, count)
    begin = perf_counter_ns()
    for _ in times:
        function(text)
    return perf_counter_ns() - begin


def own(function):
    """The same code again, for one callee: how fast a call is depends on what was called from that place before."""
    return FunctionType(function.__code__.replace(), globals())


def call(function, count):
    """The same. A function of its own, so that it can be the span around them."""
    return call_apart(function, count)


def call_caught(function, count):
    text, times = "a twenty byte string", repeat(None, count)
    begin = perf_counter_ns()
    for _ in times:
        try:
            function(text)
        except KeyError:
            pass
    return perf_counter_ns() - begin


def call_spanned(function, count):
    with TRACER.start_as_current_span("call"):
        return call_apart(function, count)


def make_tracer(folder):
    """Spans that are batched as usual, and thrown away."""
    sys.path.insert(0, folder)
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    class Nowhere(SpanExporter):
        def export(self, spans):
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    return provider.get_tracer("bench")


def lines():
    """Of stdin. Some code runs all the time, so that a tracer gets in."""
    while True:
        while not select.select([0], [], [], 0.01)[0]:
            pass
        line = os.read(0, 4096).decode()  # one line, since the answer is waited for
        if not line:
            return
        yield line


def main():
    worker = Worker()
    shapes = {"chosen": (call, worker.chosen), "alone": (own(call_apart), worker.alone),
              "unchosen": (own(call_apart), unchosen), "raising": (call_caught, raising),
              "spanned": (call_spanned, worker.spanned)}
    os.sched_setaffinity(0, {int(sys.argv[1])})
    try:  # other processes stay out of a batch; without privileges they are only unlikely to
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        pass
    print("ready", os.getpid(), flush=True)
    for line in lines():
        name, count, batches = line.split()
        caller, function = shapes[name]
        best = min(caller(function, int(count)) for _ in range(int(batches)))
        print(name, round(best / int(count), 2), flush=True)


if __name__ == "__main__":
    TRACER = make_tracer(sys.argv[2]) if len(sys.argv) > 2 else None
    main()
