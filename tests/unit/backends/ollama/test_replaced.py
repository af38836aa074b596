"""An embedding model whose name stands for another one on its Ollama server, while the service runs."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from haystack import Document as HaystackDocument

from tests.models import ollama_stand_in, open_alone
from tests.servers import model_apis
from tests.servers.model_apis import DIGEST, DIMENSION
from tests.servers.standin import BREAK, HANG, Reply, StandIn, standing_in
from tests.world import weightless
from tunedd_api.backends.embedding import Embedder
from tunedd_api.backends.model_files.weights import Weights
from tunedd_api.errors import EmbeddingUnavailable

MODEL = "some-model:latest"
TAGS = "/api/tags"


@pytest.fixture
async def server() -> AsyncIterator[StandIn]:
    async with ollama_stand_in(MODEL) as server:
        yield server


@pytest.fixture
async def embedder(server: StandIn, tmp_path: Path) -> AsyncIterator[Embedder]:
    url = f"ollama://127.0.0.1:{server.port}?model=some-model"
    async with open_alone(url, weightless(tmp_path), Weights(tmp_path)) as embedder:
        yield embedder


def replace_model(server: StandIn, digest: str = "0" * 64) -> None:
    """Another model of the same dimension has the name now."""
    server.routes[TAGS] = Reply.json({"models": [{"name": MODEL, "digest": digest}]})


async def ask(embedder: Embedder) -> list[float]:
    vector: list[float] = (await embedder.text().run_async(text="agents"))["embedding"]
    return vector


async def write(embedder: Embedder) -> list[HaystackDocument]:
    given = [HaystackDocument(content="Agents learn.")]
    documents: list[HaystackDocument] = (await embedder.documents().run_async(documents=given))["documents"]
    return documents


async def count(embedder: Embedder) -> list[int]:
    return embedder.model.count_tokens(["agents"])


async def named(embedder: Embedder) -> str:
    return embedder.model.name


async def check(embedder: Embedder) -> None:
    await embedder.check()


@pytest.mark.parametrize("notices", [ask, write, check])
async def test_whoever_notices_it_first_nothing_is_embedded_any_more(
    server: StandIn, embedder: Embedder, notices: Callable[[Embedder], Awaitable[Any]]
) -> None:
    replace_model(server)
    with pytest.raises(EmbeddingUnavailable, match="replaced on its server. Start the service anew"):
        await notices(embedder)
    # Not even when the old model comes back: what was embedded meanwhile is nobody's to know.
    replace_model(server, DIGEST)
    for use in (ask, write, check, count, named):
        with pytest.raises(EmbeddingUnavailable, match="replaced on its server"):
            await use(embedder)
    assert embedder.replaced()


async def test_passages_are_not_written_though_a_look_was_just_made(
    server: StandIn, embedder: Embedder
) -> None:
    await ask(embedder)
    assert len(await write(embedder)) == 1
    replace_model(server)
    with pytest.raises(EmbeddingUnavailable, match="replaced"):
        await write(embedder)


async def test_not_every_question_looks(server: StandIn, embedder: Embedder) -> None:
    before = len(server.bodies(TAGS))
    for _ in range(20):
        await ask(embedder)
    assert 1 <= len(server.bodies(TAGS)) - before < 20


@pytest.mark.parametrize(
    "reply",
    [
        Reply.json({"error": "busy"}, 503),
        Reply.json({"models": "none"}),
        Reply(pieces=[b"<html>"]),
        Reply(pieces=[b'{"models', BREAK]),
        Reply(pieces=[HANG]),
    ],
    ids=["503", "other", "page", "cut", "silent"],
)
async def test_a_server_that_does_not_answer_the_look_still_embeds(
    server: StandIn, embedder: Embedder, reply: Reply
) -> None:
    server.routes[TAGS] = reply
    assert len(await ask(embedder)) == DIMENSION
    assert len(await write(embedder)) == 1
    assert not embedder.replaced()


async def test_a_question_that_fails_does_not_wait_for_the_look(server: StandIn, embedder: Embedder) -> None:
    server.routes[TAGS] = Reply(pieces=[HANG])
    server.routes["/api/embed"] = Reply.json({"error": "no"}, 400)
    with pytest.raises(EmbeddingUnavailable, match="answers 400"):
        await ask(embedder)
    with anyio.fail_after(10):
        await server.left.wait()


async def test_a_server_that_comes_later_is_not_taken_for_another_model(
    tmp_path: Path, free_tcp_port: int
) -> None:
    """What is learned with the first question is not compared with what was not known before."""
    url = f"ollama://127.0.0.1:{free_tcp_port}?model=some-model"
    async with (
        open_alone(url, weightless(tmp_path), Weights(tmp_path)) as embedder,
        standing_in(model_apis.ollama(MODEL), port=free_tcp_port),
    ):
        assert len(await ask(embedder)) == DIMENSION
        assert len(await ask(embedder)) == DIMENSION
