"""A service whose PostgreSQL or Weaviate is down: at its start, in the middle of its work, and back again."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
import httpx
import pytest

from tests.long_papers import long_paper
from tests.servers.proxy import Proxy, proxy_to, through
from tests.world import SAMPLES, weightless
from tunedd_api.app import create_app
from tunedd_api.backends.passages import discard_other_passages

WITHIN = 60.0
PDF = sorted(SAMPLES.glob("*.pdf"))[0]


class Stack:
    """PostgreSQL and Weaviate, each behind proxies."""

    def __init__(self, home: Path, postgres: Proxy, weaviate: list[Proxy], urls: dict[str, Any]) -> None:
        self.home = home
        self.postgres = postgres
        self.weaviate = weaviate
        self._urls = urls

    @asynccontextmanager
    async def client(self, **changes: Any) -> AsyncIterator[httpx.AsyncClient]:
        """Of a service that may still be waiting for its servers."""
        app = create_app(weightless(self.home, **{**self._urls, **changes}))
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://test") as client,
        ):
            yield client


@pytest.fixture
async def stack(tmp_path: Path, postgres_url: str, weaviate_url: str) -> AsyncIterator[Stack]:
    (tmp_path / "papers").mkdir()
    database, server = urlsplit(postgres_url), urlsplit(weaviate_url)
    grpc_port = int(parse_qs(server.query)["grpc"][0])
    async with AsyncExitStack() as proxies:
        postgres, http, grpc = [
            await proxies.enter_async_context(proxy_to("127.0.0.1", port or 0))
            for port in (database.port, server.port, grpc_port)
        ]
        passages = through(http, weaviate_url).replace(f"grpc={grpc_port}", f"grpc={grpc.port}")
        urls = {"database_url": through(postgres, postgres_url), "passages_url": passages}
        yield Stack(tmp_path, postgres, [http, grpc], urls)


async def until_ready(client: httpx.AsyncClient) -> dict[str, Any]:
    with anyio.fail_after(WITHIN):
        while (answer := await client.get("/ready")).status_code != 200:
            await anyio.sleep(0.05)
    body: dict[str, Any] = answer.json()
    return body


async def add(client: httpx.AsyncClient, pdf: Path) -> str:
    content = await anyio.Path(pdf).read_bytes()
    answer = await client.post("/documents", files={"file": (pdf.name, content)})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def test_a_service_starts_without_its_database_and_recovers_by_itself(stack: Stack) -> None:
    stack.postgres.refuse()
    async with stack.client() as client:
        assert (await client.get("/health")).status_code == 200
        waiting = await client.get("/ready")
        assert (waiting.status_code, waiting.json()["waiting_for"]) == (503, ["start"])
        assert "PostgreSQL at 127.0.0.1" in waiting.json()["problem"]
        refused = await client.get("/documents")
        assert (refused.status_code, refused.json()["error"]) == (503, "StoreUnavailable")
        assert "Retry-After" in refused.headers
        await stack.postgres.accept()
        dependencies = (await until_ready(client))["dependencies"]
        assert {"database", "passages", "embedding model", "chat model"} <= set(dependencies)
        assert all(state["latency_ms"] >= 0 for state in dependencies.values())
        assert (await client.get("/documents")).json() == []


async def test_a_database_that_goes_away_is_named_and_nothing_is_lost(stack: Stack) -> None:
    async with stack.client() as client:
        await until_ready(client)
        document = await add(client, PDF)
        await until_ready(client)
        stack.postgres.kill()
        with anyio.fail_after(WITHIN):
            answer = await client.get("/documents")
        assert (answer.status_code, answer.json()["error"]) == (503, "StoreUnavailable")
        down = (await client.get("/ready")).json()
        assert "database" in down["waiting_for"]
        await stack.postgres.accept()
        await until_ready(client)
        assert [one["id"] for one in (await client.get("/documents")).json()] == [document]


@pytest.mark.parametrize("changes", [{}, {"database_url": "sqlite:tunedd.db"}], ids=["many", "one"])
async def test_a_removal_that_was_broken_off_is_finished_once_the_passages_are_back(
    stack: Stack, changes: dict[str, str]
) -> None:
    """Whether several processes may work on the library, or one."""
    async with stack.client(**changes) as client:
        await until_ready(client)
        document = await add(client, PDF)
        await until_ready(client)
        for proxy in stack.weaviate:
            proxy.kill()
        assert (await client.delete(f"/documents/{document}")).status_code == 503
        assert (await client.get("/documents")).json() == []
        files = stack.home / "files"
        assert [one for one in files.rglob("*") if one.is_file()]
        for proxy in stack.weaviate:
            await proxy.accept()
        with anyio.fail_after(WITHIN):
            while [one for one in files.rglob("*") if one.is_file()]:
                await anyio.sleep(0.1)


async def test_passages_that_their_server_has_lost_are_stored_again_while_the_service_runs(
    stack: Stack, weaviate_url: str
) -> None:
    async with stack.client() as client:
        await until_ready(client)
        await add(client, PDF)
        await until_ready(client)
        question: dict[str, str | int] = {"q": "retrieval", "limit": 1}
        (before,) = (await client.get("/search", params=question)).json()
        # As if its volume were gone.
        await discard_other_passages(weaviate_url, stack.home, [])
        with anyio.fail_after(WITHIN):
            while True:
                answer = await client.get("/search", params=question)
                if answer.status_code == 200 and answer.json():
                    break
                await anyio.sleep(0.1)
        assert answer.json() == [before]


async def test_passages_that_are_away_cost_questions_and_nothing_else(stack: Stack) -> None:
    async with stack.client() as client:
        await until_ready(client)
        await add(client, PDF)
        await until_ready(client)
        for proxy in stack.weaviate:
            proxy.kill()
        with anyio.fail_after(WITHIN):
            answer = await client.get("/search", params={"q": "citation"})
        assert (answer.status_code, answer.json()["error"]) == (503, "StoreUnavailable")
        assert "passages" in (await client.get("/ready")).json()["waiting_for"]
        assert len((await client.get("/documents")).json()) == 1
        for proxy in stack.weaviate:
            await proxy.accept()
        await until_ready(client)
        assert (await client.get("/search", params={"q": "citation"})).json()


@pytest.mark.parametrize("server", ["postgres", "weaviate"])
async def test_a_server_that_goes_away_in_the_middle_of_indexing_costs_time_alone(
    stack: Stack, tmp_path: Path, server: str
) -> None:
    proxies = [stack.postgres] if server == "postgres" else stack.weaviate
    async with stack.client() as client:
        await until_ready(client)
        document = await add(client, long_paper(tmp_path, pages=150))
        with anyio.fail_after(WITHIN):
            while not (await client.get(f"/documents/{document}")).json()["passages"]:
                await anyio.sleep(0.01)
        for proxy in proxies:
            proxy.kill()
        await anyio.sleep(1)
        for proxy in proxies:
            await proxy.accept()
        # A claim that could not be given back ends with its lease, a minute later.
        with anyio.fail_after(3 * WITHIN):
            while True:
                told = await client.get(f"/documents/{document}")
                if told.status_code == 200 and told.json()["status"] in ("ready", "failed"):
                    break
                await anyio.sleep(0.1)
        assert told.json()["status"] == "ready"
        hits = (await client.get("/search", params={"q": "agents learn together", "limit": 50})).json()
        places = [(hit["page"], hit["text"]) for hit in hits]
        assert len(places) == len(set(places)) > 0
