"""A service whose models are on servers, while these fail."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from tests.api import events, service, start
from tests.metrics import scrape
from tests.servers import model_apis
from tests.servers.model_apis import ollama_chat
from tests.servers.proxy import Proxy, proxy_to
from tests.servers.standin import HANG, StandIn, standing_in
from tests.world import indexed

EMBEDDING, CHAT = "embedding:latest", "chat:latest"
QUESTION = {"content": "How is a quotation verified?"}
CUT_WITHIN = 10.0
"""Seconds, on a busy machine, in which somebody who waits for an answer hears that a server went away: far
less than any of the timeouts that a silent server is given."""


@pytest.fixture
async def ollama() -> AsyncIterator[StandIn]:
    async with standing_in(model_apis.ollama(EMBEDDING, CHAT)) as server:
        yield server


@asynccontextmanager
async def serving(
    home: Path, ollama: StandIn, **settings: Any
) -> AsyncIterator[tuple[httpx.AsyncClient, Proxy, Proxy]]:
    """A service, with a proxy each in front of its two models."""
    async with (
        proxy_to("127.0.0.1", ollama.port) as embedding,
        proxy_to("127.0.0.1", ollama.port) as chat,
        service(
            home,
            embedding_model=f"ollama://127.0.0.1:{embedding.port}?model={EMBEDDING}",
            chat_model=f"ollama://127.0.0.1:{chat.port}?model={CHAT}",
            **settings,
        ) as client,
    ):
        await ready(client)
        yield client, embedding, chat


async def ready(client: httpx.AsyncClient) -> None:
    with anyio.fail_after(30):
        while (await client.get("/ready")).status_code != 200:
            await anyio.sleep(0.02)


async def ask(client: httpx.AsyncClient, conversation: str) -> list[tuple[str, Any]]:
    url = f"/conversations/{conversation}/messages/stream"
    with anyio.fail_after(30):
        response = await client.post(url, json=QUESTION)
    return [(name, data) for _, name, data in events(response.text)]


async def test_papers_are_embedded_and_answered_from(tmp_path: Path, ollama: StandIn) -> None:
    async with serving(tmp_path, ollama) as (client, _, _):
        sent = await ask(client, await start(client))
        assert [name for name, _ in sent][:2] == ["run", "sources"]
        assert sent[-1][0] == "done"
        assert sent[-1][1]["message"]["content"] == "Agents work together."


async def test_a_chat_model_that_goes_away_in_an_answer_is_told_of_at_once(
    tmp_path: Path, ollama: StandIn
) -> None:
    ollama.routes["/api/chat"] = ollama_chat("Agents ", "work")
    async with serving(tmp_path, ollama) as (client, _, chat):
        conversation = await start(client)
        ollama.routes["/api/chat"] = ollama_chat("Agents ", "work ", end=HANG)
        sent: list[tuple[str, Any]] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_collect, client, conversation, sent)
            with anyio.fail_after(30):
                while not _written(await _answer(client, conversation)):
                    await anyio.sleep(0.02)
            chat.kill()
            with anyio.fail_after(CUT_WITHIN):
                while not sent:
                    await anyio.sleep(0.02)
        assert [name for name, _ in sent].count("error") == 1
        assert sent[-1][0] == "error"
        assert sent[-1][1]["error"] == "ModelUnavailable"
        assert "Ollama" in sent[-1][1]["message"]
        question, answer = (await client.get(f"/conversations/{conversation}/messages")).json()
        assert question["content"] == QUESTION["content"]
        assert (answer["content"].strip(), answer["status"]) == ("Agents work", "failed")


async def test_a_chat_model_that_is_away_is_told_of_and_comes_back(tmp_path: Path, ollama: StandIn) -> None:
    async with serving(tmp_path, ollama) as (client, _, chat):
        conversation = await start(client)
        chat.kill()
        with anyio.fail_after(CUT_WITHIN):
            sent = await ask(client, conversation)
        assert [name for name, _ in sent] == ["run", "sources", "error"]
        assert (await client.get("/ready")).status_code == 503
        await chat.accept()
        await ready(client)
        assert (await ask(client, conversation))[-1][0] == "done"


async def test_without_the_embedding_model_there_is_an_error_and_no_answer(
    tmp_path: Path, ollama: StandIn
) -> None:
    async with serving(tmp_path, ollama) as (client, embedding, _):
        conversation = await start(client)
        embedding.kill()
        asked = len(ollama.bodies("/api/chat"))
        with anyio.fail_after(CUT_WITHIN):
            sent = await ask(client, conversation)
        assert [name for name, _ in sent] == ["run", "error"]
        assert sent[-1][1]["error"] == "EmbeddingUnavailable"
        assert len(ollama.bodies("/api/chat")) == asked
        search = await client.get("/search", params={"q": "agents"})
        assert (search.status_code, search.json()["error"]) == (503, "EmbeddingUnavailable")
        await embedding.accept()
        assert (await ask(client, conversation))[-1][0] == "done"


async def test_an_indexing_waits_for_its_embedding_model_and_goes_on(
    tmp_path: Path, ollama: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(tmp_path, ollama) as (client, embedding, _):
        before = (await client.get("/documents")).json()
        embedding.kill()
        for document in before:
            await client.delete(f"/documents/{document['id']}")
        for pdf in sorted((tmp_path / "papers").glob("*.pdf")):
            file = {"file": (pdf.name, await anyio.Path(pdf).read_bytes())}
            assert (await client.post("/documents", files=file)).status_code == 202
        with anyio.fail_after(60):
            while (await client.get("/ready")).json()["problem"] is None:
                await anyio.sleep(0.05)
        assert (await scrape(client)).value("indexing_paused") == 1
        assert all(one["status"] != "failed" for one in (await client.get("/documents")).json())
        await embedding.accept()
        app = client._transport.app  # type: ignore[attr-defined]  # the application behind the client
        await indexed(app.state.services)
        after = (await client.get("/documents")).json()
        assert sorted((one["file"], one["passages"], one["status"]) for one in after) == sorted(
            (one["file"], one["passages"], "ready") for one in before
        )
        assert (await scrape(client)).value("indexing_paused") == 0


async def _collect(client: httpx.AsyncClient, conversation: str, sent: list[tuple[str, Any]]) -> None:
    sent.extend(await ask(client, conversation))


async def _answer(client: httpx.AsyncClient, conversation: str) -> dict[str, Any]:
    messages = (await client.get(f"/conversations/{conversation}/messages")).json()
    return dict(messages[-1]) if messages else {}


def _written(message: dict[str, Any]) -> bool:
    return message.get("role") == "assistant" and bool(message["content"])
