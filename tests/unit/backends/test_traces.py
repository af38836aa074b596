"""Traces: what reaches a collector, what never does, and what a collector that is away costs."""

import subprocess
import sys
from pathlib import Path

import anyio
import httpx
import pytest
from haystack.tracing.tracer import is_tracing_enabled, tracer
from pydantic import ValidationError
from structlog.testing import capture_logs

from tests.api import service, start
from tests.collector import Collector, collecting
from tests.servers.finding import free_port
from tests.world import weightless
from tunedd_api.backends.otlp import SpanTracer

QUESTION = "How is a xylophagous quote verified?"
MARKED = b"xylophagous"
"""A word of the question that is nowhere else."""


async def ask(client: httpx.AsyncClient) -> httpx.Response:
    conversation = await start(client)
    url = f"/conversations/{conversation}/messages"
    return await client.post(url, json={"content": QUESTION})


async def traced(home: Path, **changes: object) -> tuple[Collector, httpx.Response]:
    """What a collector has after a service has answered one question and ended."""
    with collecting() as collector:
        async with service(home, traces_url=collector.url, **changes) as client:
            response = await ask(client)
        return collector, response


async def test_an_answer_is_one_trace_from_the_request_to_the_model(tmp_path: Path) -> None:
    collector, response = await traced(tmp_path)
    assert set(collector.paths) == {"/v1/traces"}
    (answer,) = collector.named("tunedd.answer")
    spans = {span.name: span for span in collector.spans if span.trace == answer.trace}
    stages = {"tunedd.opening", "tunedd.search", "tunedd.waiting", "tunedd.storing"}
    assert stages | {"tunedd.request", "embedder", "dense", "lexical", "llm"} <= set(spans)
    assert spans["tunedd.request"].parent == b""
    assert spans["tunedd.answer"].parent == spans["tunedd.request"].id
    assert spans["tunedd.search"].parent == spans["tunedd.answer"].id
    above = {span.id: span for span in collector.spans}
    for component in ("embedder", "dense", "lexical"):
        pipeline = above[spans[component].parent]
        assert (pipeline.name, pipeline.parent) == ("haystack.pipeline.run", spans["tunedd.search"].id)
    assert above[spans["llm"].parent].parent == answer.id
    request = spans["tunedd.request"].attributes
    assert request["tunedd.request_id"] == response.headers["x-request-id"]
    assert request["http.route"] == "/conversations/{conversation_id}/messages"
    assert request["http.response.status_code"] == 200
    assert answer.attributes["tunedd.message_id"] == response.json()["id"]


async def test_no_text_of_a_user_or_a_paper_is_in_a_trace(tmp_path: Path) -> None:
    collector, response = await traced(tmp_path)
    sent = b"".join(collector.bodies)
    assert b"tunedd.answer" in sent
    assert MARKED not in sent
    for source in response.json()["sources"]:
        for words in (source["title"], source["text"][:40], source["text"][-40:]):
            assert words.encode() not in sent


async def test_no_text_is_in_the_error_of_a_trace(tmp_path: Path) -> None:
    nowhere = "openai+http://127.0.0.1:9/v1?model=absent"
    collector, response = await traced(tmp_path, chat_model=nowhere)
    assert response.status_code == 503
    assert MARKED not in b"".join(collector.bodies)
    (model,) = collector.named("llm")
    assert model.status
    assert " " not in model.status


@pytest.mark.parametrize(("texts", "told"), [(False, False), (True, True)])
def test_what_an_error_says_is_told_only_with_the_texts(texts: bool, told: bool) -> None:
    with collecting() as collector:
        spans = SpanTracer(collector.url, texts=texts)
        with pytest.raises(ValueError, match="quote"), spans.trace("llm"):
            raise ValueError(QUESTION)
        spans.close()
    (failed,) = collector.spans
    assert failed.status == "ValueError"
    assert (MARKED in b"".join(collector.bodies)) is told


async def test_with_texts_the_question_is_in_the_trace(tmp_path: Path) -> None:
    collector, _ = await traced(tmp_path, trace_texts=True)
    assert MARKED in b"".join(collector.bodies)
    read = [span.attributes["haystack.component.input"] for span in collector.named("embedder")]
    assert any(QUESTION in text for text in read)


async def test_the_indexing_of_a_document_is_one_trace(tmp_path: Path) -> None:
    collector, _ = await traced(tmp_path)
    indexings = collector.named("tunedd.indexing")
    assert len(indexings) == 2
    for indexing in indexings:
        names = {span.name for span in collector.spans if span.trace == indexing.trace}
        assert {"tunedd.reading", "tunedd.cutting", "tunedd.embedding", "embedder", "writer"} <= names


async def test_probes_leave_no_trace(tmp_path: Path) -> None:
    with collecting() as collector:
        async with service(tmp_path, traces_url=collector.url) as client:
            for probe in ("/health", "/ready", "/metrics", "/documents"):
                await client.get(probe)
        (request,) = collector.named("tunedd.request")
        assert request.attributes["http.route"] == "/documents"


async def test_a_collector_that_is_away_costs_no_answer_and_is_told(tmp_path: Path) -> None:
    with capture_logs() as logs:
        async with service(tmp_path, traces_url=f"http://127.0.0.1:{free_port()}") as client:
            assert (await ask(client)).json()["status"] == "complete"
    assert [line["log_level"] for line in logs if line["event"] == "traces.lost"] == ["warning"]


async def test_a_collector_that_refuses_every_batch_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    with collecting(answers=400) as collector, capture_logs() as logs:
        async with service(tmp_path, traces_url=collector.url) as client:
            with anyio.fail_after(30):
                while len(collector.paths) < 3:
                    assert (await ask(client)).json()["status"] == "complete"
        refused = len(collector.paths)
    assert refused >= 3
    assert len([line for line in logs if line["event"] == "traces.lost"]) == 1


async def test_nothing_is_traced_any_more_once_the_service_has_ended(tmp_path: Path) -> None:
    await traced(tmp_path, trace_texts=True)
    assert not is_tracing_enabled()
    assert not tracer.is_content_tracing_enabled


def test_without_the_setting_nothing_of_it_is_imported() -> None:
    code = (
        "import sys, tunedd_api.app\n"
        "from tunedd_api.backends import traces\n"
        "sys.exit(any(name.startswith('opentelemetry.sdk') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("url", ["127.0.0.1:4318", "grpc://127.0.0.1:4317", "http://host/?key=1"])
def test_a_url_that_is_none_is_refused_at_the_start(tmp_path: Path, url: str) -> None:
    with pytest.raises(ValidationError, match="traces_url"):
        weightless(tmp_path, traces_url=url)
