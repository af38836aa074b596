"""Indexes that another process has begun, or lets serve: opened while the service runs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import TaskGroup

from tests.models import ollama_stand_in
from tests.servers import model_apis
from tests.servers.model_apis import DIGEST, DIMENSION
from tests.servers.standin import Reply, standing_in
from tests.world import weightless
from tunedd_api.backends.database import Database, open_database
from tunedd_api.backends.model_files.weights import Weights
from tunedd_api.bootstrap.index_stores import OpenIndexes
from tunedd_api.bootstrap.indexes import open_indexes
from tunedd_api.bootstrap.owned_tasks import owned_tasks
from tunedd_api.errors import EmbeddingUnavailable
from tunedd_api.library.index_records import SqlIndexRecords
from tunedd_api.library.indexes import Indexes
from tunedd_api.library.model import IndexRow
from tunedd_api.measures import UNMEASURED

MODEL = "some-model:latest"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database("sqlite:tunedd.db", tmp_path) as database:
        yield database


@pytest.fixture
def records(database: Database) -> SqlIndexRecords:
    """What other processes decide is written with these."""
    return SqlIndexRecords(database)


@asynccontextmanager
async def opened(database: Database, home: Path, **settings: Any) -> AsyncIterator[Indexes]:
    weights = Weights(home)
    chosen = weightless(home, **settings)
    async with open_indexes(chosen, weights, database, UNMEASURED, builds=True) as indexes:
        yield indexes


def on_ollama(port: int, digest: str = DIGEST) -> IndexRow:
    name = f"ollama:{MODEL}@{digest[:12]}"
    return IndexRow(
        stamp=f"{name}/{DIMENSION}/cut",
        embedder=name,
        dimension=DIMENSION,
        cut="cut",
        model=url(port),
        place="index-0000000a",
        serving=False,
    )


def url(port: int) -> str:
    return f"ollama://127.0.0.1:{port}?model=some-model"


async def search(indexes: Indexes) -> list[Any]:
    return [*await indexes.search("agents", history=(), document_ids=None, limit=5)]


async def test_an_index_lasts_though_the_task_that_opened_it_is_over(
    database: Database, records: SqlIndexRecords, tmp_path: Path
) -> None:
    async with ollama_stand_in(MODEL) as server, opened(database, tmp_path) as indexes:
        new = on_ollama(server.port)
        await records.add(new)
        await asyncio.create_task(indexes.refresh())
        assert [index.row.dimension for index in indexes] == [256, DIMENSION]
        await records.switch(new.stamp)
        await asyncio.create_task(indexes.refresh())
        assert [index.row.stamp for index in indexes] == [new.stamp]
        assert await search(indexes) == []


async def test_a_server_that_was_away_when_a_passing_task_opened_the_index_is_waited_for(
    database: Database, records: SqlIndexRecords, tmp_path: Path, free_tcp_port: int
) -> None:
    async with opened(database, tmp_path) as indexes:
        await records.add(on_ollama(free_tcp_port))
        await records.switch(on_ollama(free_tcp_port).stamp)
        await asyncio.create_task(indexes.refresh())
        with pytest.raises(EmbeddingUnavailable, match="cannot be reached"):
            await search(indexes)
        async with standing_in(model_apis.ollama(MODEL), port=free_tcp_port):
            await until(indexes.checks()["embedding model"])
            assert await search(indexes) == []


async def until(check: Callable[[], Awaitable[None]]) -> None:
    """It is there."""
    with anyio.fail_after(30):
        while True:
            try:
                await check()
                return
            except EmbeddingUnavailable:
                await anyio.sleep(0.02)


async def test_what_two_tasks_take_note_of_at_once_is_opened_once(
    database: Database, records: SqlIndexRecords, tmp_path: Path
) -> None:
    async with ollama_stand_in(MODEL) as server, opened(database, tmp_path) as indexes:
        await records.add(on_ollama(server.port))
        await asyncio.gather(indexes.refresh(), indexes.refresh())
        assert len(server.bodies("/api/show")) == 1
        assert len([*indexes]) == 2


async def test_an_index_for_a_model_that_was_replaced_meanwhile_is_searched_with_the_new_one(
    database: Database, records: SqlIndexRecords, tmp_path: Path
) -> None:
    async with (
        ollama_stand_in(MODEL) as server,
        opened(database, tmp_path, embedding_model=url(server.port)) as indexes,
    ):
        digest = "0" * 64
        server.routes["/api/tags"] = Reply.json({"models": [{"name": MODEL, "digest": digest}]})
        # Another process, started anew, has begun it.
        new = on_ollama(server.port, digest)
        await records.add(new)
        await indexes.refresh()
        with pytest.raises(EmbeddingUnavailable, match="replaced"):
            await search(indexes)
        await records.switch(new.stamp)
        await indexes.refresh()
        assert await search(indexes) == []


class Overtaken(SqlIndexRecords):
    """Another task has its turn between a switch and the news of it."""

    tasks: TaskGroup
    indexes: Indexes

    async def switch(self, stamp: str) -> bool:
        switched = await super().switch(stamp)
        self.tasks.start_soon(self.indexes.refresh)
        await anyio.sleep(0.1)
        return switched


async def test_who_takes_note_of_a_switch_while_it_is_made_does_not_lose_the_index(
    database: Database, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack, owned_tasks() as tasks:
        stores = OpenIndexes(weightless(tmp_path), Weights(tmp_path), UNMEASURED, stack=stack, tasks=tasks)
        records = Overtaken(database)
        old = await stores.wanted()
        new = replace(old, stamp="new", place="index-0000000b", serving=False)
        for row in (old, new):
            await records.add(row)
        records.tasks, records.indexes = (
            tasks,
            Indexes(
                records=records,
                serving=await stores.open(old),
                building=await stores.open(new),
                stores=stores,
                exclusive=database.exclusive,
            ),
        )
        await records.indexes.switch_when_complete()
        assert [index.row.stamp for index in records.indexes] == ["new"]
        assert await search(records.indexes) == []


async def test_an_error_inside_comes_out_as_it_is(database: Database, tmp_path: Path) -> None:
    with pytest.raises(EmbeddingUnavailable):
        async with opened(database, tmp_path):
            raise EmbeddingUnavailable
