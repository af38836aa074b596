"""The measures of one application, kept in a registry of its own, in the form that Prometheus reads."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from haystack.tracing.tracer import tracer
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
    start_http_server,
)

from tunedd_api import __version__
from tunedd_api.measures import AnswerStage, IndexingStage, Measures

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Seconds: from a search in memory to an answer on a slow machine."""


class PrometheusMeasures(Measures):
    """Counts what it hears. Its stages are spans as well, where traces are switched on."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collect in (ProcessCollector, PlatformCollector, GCCollector):
            collect(registry=self.registry)
        Info("tunedd_build", "Version of the service.", registry=self.registry).info({"version": __version__})
        self._requests = self._histogram(
            "http_request_duration", "Requests, from their first byte to their last.", "method route status"
        )
        self._answers = self._counter("answers", "Answers that have ended.", "status error")
        self._answer = self._histogram("answer_duration", "Whole answers.", "status")
        self._first_token = self._histogram("first_token", "From a question to the first word of its answer.")
        self._tokens = self._counter("tokens", "Tokens that the chat model has read and written.", "kind")
        self._passages = self._counter("passages_written", "Passages that were embedded and stored.")
        self._paused = Gauge(
            "tunedd_indexing_paused",
            "1 while the indexer of this process waits for a store or a model, else 0.",
            registry=self.registry,
        )
        self._documents = self._counter("documents_indexed", "Documents whose indexing has ended well.")
        self._failures = self._counter("documents_failed", "Documents whose indexing has failed.", "error")
        answering = self._histogram("answer_stage", "Stages of an answer.", "stage")
        indexing = self._histogram("indexing_stage", "Stages of the indexing of one document.", "stage")
        # Looked up once: every label of these is known, and each shows from the start.
        self._stages = {stage: answering.labels(stage) for stage in AnswerStage} | {
            stage: indexing.labels(stage) for stage in IndexingStage
        }
        self._prompt, self._answered = self._tokens.labels("prompt"), self._tokens.labels("answer")

    @contextmanager
    def stage(self, stage: AnswerStage | IndexingStage) -> Iterator[None]:
        started = time.perf_counter()
        try:
            with tracer.trace(f"tunedd.{stage}"):
                yield
        finally:
            self._stages[stage].observe(time.perf_counter() - started)

    @contextmanager
    def answer(self, message_id: str) -> Iterator[None]:
        with tracer.trace("tunedd.answer", {"tunedd.message_id": message_id}):
            yield

    @contextmanager
    def indexing(self, document_id: str) -> Iterator[None]:
        with tracer.trace("tunedd.indexing", {"tunedd.document_id": document_id}):
            yield

    def took(self, stage: AnswerStage, seconds: float) -> None:
        self._stages[stage].observe(seconds)

    def first_token(self, seconds: float) -> None:
        self._first_token.observe(seconds)

    def answer_ended(self, status: str, error: str, seconds: float) -> None:
        self._answers.labels(status, error).inc()
        self._answer.labels(status).observe(seconds)

    def tokens(self, prompt: int, answer: int) -> None:
        self._prompt.inc(prompt)
        self._answered.inc(answer)

    def passages_written(self, count: int) -> None:
        self._passages.inc(count)

    def indexing_paused(self, paused: bool) -> None:
        self._paused.set(paused)

    def document_ended(self, error: str) -> None:
        (self._failures.labels(error) if error else self._documents).inc()

    def request_ended(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, status).observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self.registry)

    def _counter(self, name: str, help: str, labels: str = "") -> Counter:
        return Counter(f"tunedd_{name}", help, labels.split(), registry=self.registry)

    def _histogram(self, name: str, help: str, labels: str = "") -> Histogram:
        return Histogram(
            f"tunedd_{name}_seconds", help, labels.split(), registry=self.registry, buckets=BUCKETS
        )


@contextmanager
def exposed(measures: PrometheusMeasures, host: str, port: int) -> Iterator[int]:
    """The measures at http://HOST:PORT/metrics, for a process without an API; gives the port. 0 is any."""
    server, thread = start_http_server(port, host, measures.registry)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
