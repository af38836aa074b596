"""Haystack's tracer over OpenTelemetry: spans are sent in batches, in the background, by OTLP over HTTP."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import structlog
from haystack.tracing.tracer import Span, Tracer
from haystack.tracing.utils import coerce_tag_value
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Status, StatusCode

from tunedd_api import __version__

log = structlog.get_logger(__name__)

PATH = "/v1/traces"
"""Where collectors take traces, unless the URL has a path of its own."""
SEND_WITHIN = 3.0
"""Seconds for one batch, with all that is tried again: longer than this a shutdown waits for no collector."""
TEXTS = frozenset({"haystack.pipeline.input_data"})
"""Tags with the words of users that Haystack sets like any other."""
BULKY = frozenset(
    {
        "haystack.component.input_types",
        "haystack.component.input_spec",
        "haystack.component.output_spec",
        "haystack.component.fully_qualified_type",
        "haystack.pipeline.metadata",
        "haystack.pipeline.max_runs_per_component",
        "haystack.pipeline.execution_mode",
    }
)
"""Tags that are the same in every trace; writing them takes longer than all the rest."""


class SpanTracer(Tracer):
    """A span for each pipeline, component and stage, each below the one that is under way."""

    def __init__(self, url: str, *, texts: bool) -> None:
        """Without `texts` no span holds a word of a user or of a paper, not even in an error."""
        # The exporter tells of each batch that it lost, in several lines; `_Noted` tells of the first.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._texts = texts
        self._exporter = _Noted(url)
        resource = Resource.create({SERVICE_NAME: "tunedd", SERVICE_VERSION: __version__})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("tunedd_api", __version__)

    @contextmanager
    def trace(
        self, operation_name: str, tags: dict[str, Any] | None = None, parent_span: Span | None = None
    ) -> Iterator[Span]:
        tags = tags or {}
        name = str(tags.get("haystack.component.name", operation_name))
        parent = trace.set_span_in_context(parent_span.raw_span()) if parent_span is not None else None
        with self._tracer.start_as_current_span(
            name, context=parent, record_exception=self._texts, set_status_on_exception=False
        ) as raw:
            span = _Span(raw, self._texts)
            span.set_tags(tags)
            try:
                yield span
            except Exception as error:
                raw.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise

    def current_span(self) -> Span | None:
        return _Span(trace.get_current_span(), self._texts)

    def close(self) -> None:
        """Sends what is left, unless nobody has taken anything of late."""
        self._exporter.closing = True
        self._provider.shutdown()


class _Span(Span):
    def __init__(self, raw: trace.Span, texts: bool) -> None:
        self._raw = raw
        self._texts = texts

    def set_tag(self, key: str, value: Any) -> None:
        if key in BULKY or (key in TEXTS and not self._texts):
            return
        self._raw.set_attribute(key, coerce_tag_value(value))

    def raw_span(self) -> trace.Span:
        return self._raw


class _Noted(SpanExporter):
    """Logs when batches begin to be lost, once; what cannot be sent is dropped."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname
        endpoint = url if parts.path.strip("/") else parts._replace(path=PATH).geturl()
        self._exporter = OTLPSpanExporter(endpoint, timeout=SEND_WITHIN)
        self._losing = False
        self.closing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self.closing and self._losing:
            return SpanExportResult.FAILURE
        result = self._exporter.export(spans)
        losing = result is not SpanExportResult.SUCCESS
        if losing and not self._losing:
            log.warning("traces.lost", collector=self._host, hint="see TUNEDD_TRACES_URL")
        self._losing = losing
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # theirs
