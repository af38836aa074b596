"""Another embedding model or cut: the old index serves until the new one is complete, unmixed."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.long_papers import long_paper
from tests.world import add_samples, ended, open_world, weightless
from tunedd_api.bootstrap import Services, open_services
from tunedd_api.library.model import IndexOutdated, Status


@asynccontextmanager
async def rebuilding(home: Path, **changes: Any) -> AsyncIterator[Services]:
    """A service that has begun to build another index."""
    async with open_world(home, **changes) as services:
        assert (await services.library.progress()).reindexing is not None
        yield services


async def rebuilt(services: Services) -> None:
    with anyio.fail_after(60):
        while (await services.library.progress()).reindexing is not None:
            await anyio.sleep(0.01)


def sql(home: Path, statement: str, file: str = "tunedd.db") -> list[Any]:
    with closing(sqlite3.connect(home / file)) as connection, connection:
        return connection.execute(statement).fetchall()


def stores(home: Path) -> list[str]:
    return sorted(path.name for path in home.glob("passages*.db") if path.stat().st_size > 100)


@pytest.fixture
async def home(tmp_path: Path) -> Path:
    """With the samples and a long paper indexed in 256 dimensions."""
    async with open_world(tmp_path) as services:
        await add_samples(services)
        await ended(services, (await services.library.add(long_paper(tmp_path))).id)
    return tmp_path


async def test_the_old_index_serves_until_the_new_one_is_complete(home: Path) -> None:
    async with rebuilding(home, embedding_model="mock:64") as services:
        before = await services.library.list()
        assert {one.status for one in before} == {Status.READY}
        assert any(one.reindexing is not Status.READY for one in before)
        assert await services.library.search("How is a quote verified?")
        await rebuilt(services)
        after = await services.library.list()
        assert {(one.status, one.reindexing) for one in after} == {(Status.READY, None)}
        assert [one.passages for one in after] == [one.passages for one in before]
        assert await services.library.search("How is a quote verified?")
    (row,) = sql(home, "SELECT dimension, model, serving FROM indexes")
    assert row == (64, "mock:64", 1)
    (store,) = stores(home)
    assert store != "passages.db"
    vectors = sql(home, "SELECT DISTINCT length(vector) FROM vectors", store)
    assert vectors == [(64 * 4,)]


async def test_a_rebuilding_that_broke_off_goes_on_and_one_given_up_leaves_nothing(home: Path) -> None:
    async with rebuilding(home, embedding_model="mock:64"):
        pass
    assert len(stores(home)) == 2
    async with rebuilding(home, embedding_model="mock:64"):
        pass
    async with open_world(home) as services:
        # Back to what it was: the old index fits and is all there is.
        assert (await services.library.progress()).reindexing is None
        assert await services.library.search("How is a quote verified?")
    assert stores(home) == ["passages.db"]
    async with rebuilding(home, embedding_model="mock:64") as services:
        await rebuilt(services)
    assert len(stores(home)) == 1


async def test_what_is_added_meanwhile_is_found_before_and_after(home: Path, tmp_path: Path) -> None:
    async with rebuilding(home, embedding_model="mock:64") as services:
        added = await services.library.add(long_paper(tmp_path, "new.pdf", pages=2, word="walruses"))
        await ended(services, added.id)
        assert (await services.library.search("walruses", limit=1))[0].document_id == added.id
        await rebuilt(services)
        assert (await services.library.search("walruses", limit=1))[0].document_id == added.id


async def test_what_is_removed_meanwhile_is_in_neither(home: Path) -> None:
    async with rebuilding(home, embedding_model="mock:64") as services:
        gone = (await services.library.list())[0].id
        await services.library.remove(gone)
        await rebuilt(services)
        assert gone not in {hit.document_id for hit in await services.library.search("agents", limit=50)}
    (store,) = stores(home)
    assert gone not in {row[0] for row in sql(home, "SELECT DISTINCT document_id FROM passages", store)}


async def test_vectors_that_agree_with_the_new_model_are_kept_whatever_its_name(home: Path) -> None:
    sql(home, "UPDATE indexes SET embedder = 'another/name', model = 'mock:999'")
    changed = sql(home, "SELECT max(number) FROM passages", "passages.db")
    async with open_world(home) as services:
        assert (await services.library.progress()).reindexing is None
        assert await services.library.search("How is a quote verified?")
    assert sql(home, "SELECT embedder, model FROM indexes") == [("mock/word-hashes", "mock:")]
    assert sql(home, "SELECT max(number) FROM passages", "passages.db") == changed


def replace_model(home: Path) -> None:
    """Vectors that the model of this name would never make."""
    vectors = sql(home, "SELECT number, vector FROM vectors", "passages.db")
    with closing(sqlite3.connect(home / "passages.db")) as connection, connection:
        connection.executemany(
            "UPDATE vectors SET vector = ? WHERE number = ?",
            [(vector[::-1], number) for number, vector in vectors],
        )


async def test_a_model_that_was_replaced_under_its_name_is_found_out(home: Path) -> None:
    replace_model(home)
    async with rebuilding(home) as services:
        # Searching them would find anything.
        with pytest.raises(IndexOutdated):
            await services.library.search("How is a quote verified?")
        progress = await services.library.progress()
        assert (progress.complete, progress.problem) == (False, IndexOutdated().message)
        await rebuilt(services)
        assert await services.library.search("How is a quote verified?")
    assert len(stores(home)) == 1


async def test_who_only_reads_finds_it_out_too(home: Path) -> None:
    replace_model(home)
    async with open_services(weightless(home), indexes=False, answers=False) as services:
        with pytest.raises(IndexOutdated):
            await services.library.search("How is a quote verified?")


async def test_what_was_begun_for_another_model_is_not_taken_for_this_ones(home: Path) -> None:
    # An empty store agrees with every model.
    sql(
        home,
        "INSERT INTO indexes SELECT 'another', 'another', dimension, cut, 'onnx:all-minilm-l6-v2', "
        "'index-00000000', FALSE, created_at FROM indexes",
    )
    async with open_services(weightless(home), anew=True) as services:
        await rebuilt(services)
    assert sql(home, "SELECT embedder, model FROM indexes") == [("mock/word-hashes", "mock:")]


async def test_an_old_index_whose_model_is_gone_waits_for_the_new_one(home: Path) -> None:
    sql(home, "UPDATE indexes SET model = 'onnx:all-minilm-l6-v2', embedder = 'gone', dimension = 384")
    sql(home, "UPDATE properties SET value = 384 WHERE name = 'dimension'", "passages.db")
    async with rebuilding(home) as services:
        with pytest.raises(IndexOutdated):
            await services.library.search("How is a quote verified?")
        # It is not put into the old index, with vectors of the new model.
        added = await services.library.add(long_paper(home, "new.pdf", pages=2, word="walruses"))
        await rebuilt(services)
        assert (await services.library.search("walruses", limit=1))[0].document_id == added.id


async def test_an_index_that_would_lose_documents_does_not_replace_the_old_one(home: Path) -> None:
    kept = home / "kept"
    (home / "files").rename(kept)
    async with rebuilding(home, embedding_model="mock:64") as services:
        with anyio.fail_after(30):
            while not (problem := (await services.library.progress()).problem):
                await anyio.sleep(0.01)
        documents = await services.library.list()
        assert "3 of its documents" in problem
        assert all(one.id in problem for one in documents)
        assert {(one.status, one.reindexing) for one in documents} == {(Status.READY, Status.FAILED)}
        assert all("not there any more" in (one.error or "") for one in documents)
        assert await services.library.search("How is a quote verified?")
        # Once the files are back, what failed is tried again on request.
        (home / "files").rmdir() if (home / "files").exists() else None
        kept.rename(home / "files")
        for document in await services.library.list():
            await services.library.retry(document.id)
        await rebuilt(services)
        assert (await services.library.progress()).problem is None
    assert len(stores(home)) == 1


async def test_other_files_of_the_home_are_none_of_an_indexs(home: Path) -> None:
    others = [home / name for name in ("passages.20250101.db", "passages-copy.db", "passagesold.db")]
    for other in others:
        other.write_text("Mine.")
    async with rebuilding(home, embedding_model="mock:64") as services:
        await rebuilt(services)
    async with open_world(home, embedding_model="mock:64"):
        pass
    assert all(other.read_text() == "Mine." for other in others)


async def test_an_index_can_be_built_anew_though_it_fits(home: Path) -> None:
    async with open_services(weightless(home), anew=True) as services:
        assert await services.library.search("How is a quote verified?")
        await rebuilt(services)
    assert len(sql(home, "SELECT stamp FROM indexes")) == 1
    assert len(stores(home)) == 1


async def test_a_reader_beside_a_rebuilding_uses_the_index_that_serves(home: Path) -> None:
    async with (
        rebuilding(home, embedding_model="mock:64") as services,
        open_services(weightless(home, embedding_model="mock:64"), indexes=False, answers=False) as reader,
    ):
        assert await reader.library.search("verified quote") == await services.library.search(
            "verified quote"
        )
