"""Traces of the service's pipelines, sent to a collector where the settings name one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from anyio import to_thread
from haystack.tracing.tracer import disable_tracing, enable_tracing, tracer

from tunedd_api.errors import MissingExtra
from tunedd_api.settings import Settings


@asynccontextmanager
async def open_traces(settings: Settings) -> AsyncIterator[None]:
    """
    Haystack's tracer sends what it hears of while the block lasts; the rest goes out when it ends.

    There is one tracer in a process: of several applications in it, the last that asks for traces has it.
    """
    if not settings.traces_url:
        yield
        return
    try:
        from tunedd_api.backends.otlp import SpanTracer
    except ImportError as error:
        raise MissingExtra.named(error.name, "tracing") from error
    spans = SpanTracer(settings.traces_url, texts=settings.trace_texts)
    enable_tracing(spans)
    # Else Haystack decides by a variable of its own whether components tell what they are given.
    tracer.is_content_tracing_enabled = settings.trace_texts
    try:
        yield
    finally:
        if tracer.actual_tracer is spans:
            disable_tracing()
            tracer.is_content_tracing_enabled = False
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(spans.close)
