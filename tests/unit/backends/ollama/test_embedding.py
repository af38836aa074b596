"""Embedding on an Ollama server: what it is asked, and what becomes of what it answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from haystack import Document as HaystackDocument

from tests.models import ollama_stand_in, open_alone, there
from tests.servers import model_apis
from tests.servers.model_apis import DIGEST, DIMENSION
from tests.servers.standin import Reply, StandIn, standing_in
from tests.world import weightless
from tunedd_api.backends.embedding import Embedder, UnknownEmbeddingModel
from tunedd_api.backends.model_files.weights import Weights
from tunedd_api.errors import EmbeddingUnavailable

MODEL = "some-model:latest"
TOO_LONG = Reply.json({"error": "the input length exceeds the context length"}, 400)


@asynccontextmanager
async def opened(server: StandIn, home: Path, **settings: Any) -> AsyncIterator[Embedder]:
    url = f"ollama://127.0.0.1:{server.port}?model=some-model"
    async with open_alone(url, weightless(home, **settings), Weights(home), patience=0.2) as embedder:
        yield embedder


async def embed(embedder: Embedder, *texts: str) -> list[HaystackDocument]:
    given = [HaystackDocument(content=text) for text in texts]
    documents: list[HaystackDocument] = (await embedder.documents().run_async(documents=given))["documents"]
    return documents


async def ask(embedder: Embedder, text: str = "agents") -> Any:
    return (await embedder.text().run_async(text=text))["embedding"]


async def test_its_name_holds_the_digest(tmp_path: Path) -> None:
    async with ollama_stand_in(MODEL) as server, opened(server, tmp_path) as embedder:
        assert embedder.model.name == f"ollama:{MODEL}@{DIGEST[:12]}"
        assert embedder.model.dimension == DIMENSION


@pytest.mark.parametrize(
    ("shown", "room"),
    [
        ({"parameters": "num_ctx                        256"}, 256),
        ({"parameters": "num_ctx 4096\nstop x"}, 512),
        ({"model_info": {"general.architecture": "x", "x.context_length": 8192}}, 512),
        ({"model_info": {"general.architecture": "x", "x.context_length": 300}}, 300),
        ({"model_info": {}}, 512),
    ],
)
async def test_it_reads_as_much_as_model_and_model_file_allow(
    tmp_path: Path, shown: dict[str, Any], room: int
) -> None:
    async with ollama_stand_in(MODEL, **shown) as server, opened(server, tmp_path) as embedder:
        assert embedder.model.max_tokens == room


async def test_passages_go_in_small_requests_that_let_nothing_be_cut(tmp_path: Path) -> None:
    async with ollama_stand_in(MODEL) as server, opened(server, tmp_path) as embedder:
        assert len(await embed(embedder, *(f"text {n}" for n in range(20)))) == 20
        sent = [body for body in server.bodies("/api/embed") if isinstance(body["input"], list)]
        assert sorted(len(body["input"]) for body in sent) == [4, 8, 8]
        assert all(body["truncate"] is False and body["keep_alive"] == "30m" for body in sent)


async def test_a_text_too_long_is_embedded_in_halves(tmp_path: Path) -> None:
    async with ollama_stand_in(MODEL) as server, opened(server, tmp_path) as embedder:
        whole = server.routes["/api/embed"]
        server.routes["/api/embed"] = lambda body: (
            TOO_LONG if any(len(text) > 40 for text in body["input"]) else whole(body)  # type: ignore[operator]
        )
        short, long = await embed(embedder, "agents learn", "agents learn from feedback and share a memory")
        parts = await embed(embedder, "agents learn from feedback ", "and share a memory")
        assert sum(number * number for number in long.embedding or ()) == pytest.approx(1, abs=1e-3)
        assert all(
            one == pytest.approx((first + second) / 1.4, rel=0.2, abs=0.05)
            for one, first, second in zip(
                long.embedding or (), parts[0].embedding or (), parts[1].embedding or (), strict=True
            )
        )
        assert short.embedding


async def test_a_passing_failure_is_tried_again(tmp_path: Path) -> None:
    async with ollama_stand_in(MODEL) as server, opened(server, tmp_path) as embedder:
        whole, failures = server.routes["/api/embed"], iter([Reply.json({"error": "runner died"}, 500)])
        server.routes["/api/embed"] = lambda body: next(failures, None) or whole(body)  # type: ignore[operator]
        assert len(await ask(embedder)) == DIMENSION


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (
            Reply.json({"error": f'model "{MODEL}" not found, try pulling it first'}, 404),
            f"ollama pull {MODEL}",
        ),
        (Reply.json({"error": "out of memory"}, 500), "out of memory"),
        (Reply(pieces=[b"<html>hello</html>"]), "is not Ollama"),
        (Reply(pieces=[b'{"embed'], kind="text/html"), "is not Ollama"),
        (Reply.json({"embeddings": [[1.0, 0.0]]}), r"gives \[2\] numbers, not 64"),
        (Reply.json({"nothing": 1}), "is not Ollama"),
        (Reply(pieces=[b'{"embed', "break"]), "broke off"),
        (Reply(pieces=["hang"]), "in time"),
    ],
    ids=["missing", "500", "page", "half", "dimension", "other", "cut", "silent"],
)
async def test_a_failure_says_what_to_do(tmp_path: Path, reply: Reply, says: str) -> None:
    async with ollama_stand_in(MODEL) as server, opened(server, tmp_path, embedding_timeout=0.5) as embedder:
        server.routes["/api/embed"] = reply
        with pytest.raises(EmbeddingUnavailable, match=says):
            await ask(embedder)


async def test_a_server_that_is_not_there_is_waited_for(tmp_path: Path, free_tcp_port: int) -> None:
    url = f"ollama://127.0.0.1:{free_tcp_port}?model=some-model"
    async with open_alone(url, weightless(tmp_path), Weights(tmp_path)) as embedder:
        with pytest.raises(EmbeddingUnavailable, match="cannot be reached"):
            _ = embedder.model.name
        with pytest.raises(EmbeddingUnavailable, match="TUNEDD_EMBEDDING_MODEL"):
            await embedder.check()
        embedder.remember(f"ollama:{MODEL}@{DIGEST[:12]}", DIMENSION)
        assert embedder.model.dimension == DIMENSION
        with pytest.raises(EmbeddingUnavailable):
            embedder.model.count_tokens(["x"])
        async with standing_in(model_apis.ollama(MODEL), port=free_tcp_port):
            await there(embedder)
            assert embedder.model.count_tokens(["x"]) == [3]
            assert len(await ask(embedder)) == DIMENSION


async def test_another_model_than_remembered_is_refused(tmp_path: Path, free_tcp_port: int) -> None:
    url = f"ollama://127.0.0.1:{free_tcp_port}?model=some-model"
    async with open_alone(url, weightless(tmp_path), Weights(tmp_path)) as embedder:
        embedder.remember(f"ollama:{MODEL}@000000000000", DIMENSION)
        async with standing_in(model_apis.ollama(MODEL), port=free_tcp_port):
            with pytest.raises(EmbeddingUnavailable, match="replaced"):
                await ask(embedder)


async def test_a_missing_model_is_pulled_where_that_is_allowed(tmp_path: Path) -> None:
    async with ollama_stand_in() as server:
        server.routes["/api/pull"] = Reply.lines(
            {"status": "pulling", "total": 2_200_000_000, "completed": 880_000_000}, end="hang"
        )
        async with opened(server, tmp_path, ollama_pull=True) as embedder:
            await reason(embedder, "it is being pulled (40 % of 2.2 GB)")
            # The pull comes to its end the next time.
            server.routes |= model_apis.ollama(MODEL)
            server.routes["/api/pull"] = Reply.lines({"status": "success"})
            server.break_all()
            await there(embedder)
            assert server.bodies("/api/pull")[0] == {"model": MODEL}


async def test_a_start_waits_for_a_pull_for_a_while_only(tmp_path: Path) -> None:
    async with ollama_stand_in() as server:
        progress = {"status": "pulling", "total": 100, "completed": 40}
        server.routes["/api/pull"] = Reply.lines(progress, end="hang")
        async with opened(server, tmp_path, ollama_pull=True) as embedder:
            with pytest.raises(EmbeddingUnavailable, match="being pulled"):
                _ = embedder.model.name


async def test_what_would_begin_anew_is_waited_for(tmp_path: Path) -> None:
    """A pull that verifies what came is not broken off: it could not go on from there."""
    async with ollama_stand_in() as server:

        def verify(body: object) -> Reply:
            server.routes |= model_apis.ollama(MODEL)
            return Reply.lines({"status": "verifying"}, {"status": "success"}, pause=0.4)

        server.routes["/api/pull"] = verify
        async with opened(server, tmp_path, ollama_pull=True) as embedder:
            assert embedder.model.dimension == DIMENSION


async def test_without_leave_nothing_is_pulled(tmp_path: Path) -> None:
    async with ollama_stand_in() as server, opened(server, tmp_path) as embedder:
        await reason(embedder, f"ollama pull {MODEL}")
        assert not server.bodies("/api/pull")


async def reason(embedder: Embedder, part: str) -> None:
    """Waits until the embedder is not there for this reason."""
    with anyio.fail_after(10):
        while True:
            with pytest.raises(EmbeddingUnavailable) as caught:
                await embedder.check()
            if part in caught.value.message:
                return
            await anyio.sleep(0.02)


@pytest.mark.parametrize(
    "url",
    [
        "ollama:",
        "ollama://host",
        "openai+http://host/v1",
        "cohere:",
        "ollama://[::1?model=x",
        "openai+http://[h/v1?model=x",
        "openai+http://h:abc/v1?model=x",
        "openai+http://h:99999/v1?model=x",
    ],
)
async def test_a_wrong_url_names_the_setting(tmp_path: Path, url: str) -> None:
    with pytest.raises(UnknownEmbeddingModel, match="TUNEDD_EMBEDDING_MODEL"):
        async with open_alone(url, weightless(tmp_path), Weights(tmp_path)):
            pass
