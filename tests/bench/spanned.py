# SPDX-License-Identifier: Apache-2.0
"""Spans of OpenTelemetry's SDK around functions, as one writes them by hand; with BENCH_SDK set, to the OTLP
endpoint that it names, else nothing at all."""
import functools
import os

ENDPOINT = os.environ.get("BENCH_SDK")


def make_tracer():
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{ENDPOINT}/v1/traces")))
    return provider.get_tracer("bench")


TRACER = make_tracer() if ENDPOINT else None


def spanned(**attributes):
    """`name=function(*arguments)` each; `result=True` adds what the function returned, as `count`."""
    result = attributes.pop("result", False)

    def wrap(function):
        @functools.wraps(function)
        async def call(*args, **kwargs):
            with TRACER.start_as_current_span(function.__qualname__) as span:
                for name, value in attributes.items():
                    span.set_attribute(name, value(*args, **kwargs))
                returned = await function(*args, **kwargs)
                if result:
                    span.set_attribute("count", returned)
                return returned
        return call if TRACER else function
    return wrap
