"""A document's way from queued to ready or failed: followed, cancelled, tried again, removed on the way."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from tests.long_papers import long_paper, under_way
from tests.world import SAMPLES, add_samples, ended, open_world
from tunedd_api.backends.sqlite.store import SQLiteDocumentStore
from tunedd_api.bootstrap import Services
from tunedd_api.library.model import DocumentNotFound, NotFailed, NotIndexing, Progress, Status

PDFS = sorted(SAMPLES.glob("*.pdf"))


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    async with open_world(tmp_path) as opened:
        yield opened


def stored(home: Path) -> dict[str, int]:
    store = SQLiteDocumentStore(home / "passages.db")
    try:
        return store.count_by_document()
    finally:
        store.close()


async def test_following_a_document_shows_each_step_up_to_its_end(services: Services, tmp_path: Path) -> None:
    document = await services.library.add(long_paper(tmp_path))
    steps = [step async for step in services.library.follow(document.id)]
    assert steps[-1].document.status is Status.READY
    assert [step.document.status for step in steps] == sorted(
        (step.document.status for step in steps), key=list(Status).index
    )
    embedding = [step.document for step in steps if step.document.status is Status.EMBEDDING]
    assert embedding
    assert all(one.passages_total == steps[-1].document.passages for one in embedding)
    assert [one.passages for one in embedding] == sorted(one.passages for one in embedding)


async def test_one_that_waits_knows_how_many_are_before_it(services: Services, tmp_path: Path) -> None:
    papers = [long_paper(tmp_path, f"{word}.pdf", word=word) for word in ("otters", "zebras", "herons")]
    documents = [await services.library.add(paper) for paper in (*papers, PDFS[0])]
    last = await anext(services.library.follow(documents[-1].id))
    assert last.document.status is Status.QUEUED
    assert last.ahead == 3


async def test_a_short_paper_is_not_held_up_by_a_thick_one(services: Services, tmp_path: Path) -> None:
    thick = await services.library.add(long_paper(tmp_path, pages=600))
    await under_way(services, thick.id)
    short = await services.library.add(PDFS[0])
    assert (await ended(services, short.id)).status is Status.READY
    assert (await services.library.get(thick.id)).status is Status.EMBEDDING


async def test_a_document_whose_file_is_lost_says_so_and_can_be_added_again(
    services: Services, tmp_path: Path
) -> None:
    await under_way(services, (await services.library.add(long_paper(tmp_path, word="otters"))).id)
    await under_way(services, (await services.library.add(long_paper(tmp_path, word="herons"))).id)
    document = await services.library.add(PDFS[0])
    _, path = await services.library.file(document.id)
    await anyio.Path(path).unlink()
    lost = await ended(services, document.id)
    assert "Add it again" in (lost.error or "")
    assert (await ended(services, (await services.library.add(PDFS[0])).id)).status is Status.READY


async def test_a_cancelled_indexing_ends_soon_as_failed_and_is_taken_up_again_on_request(
    services: Services, tmp_path: Path
) -> None:
    document = await services.library.add(long_paper(tmp_path))
    await under_way(services, document.id)
    cancelled = await services.library.cancel(document.id)
    assert cancelled.status is Status.FAILED
    assert cancelled.error
    assert "retry" in cancelled.error
    # The worker is free again at once, and what it did does not come back.
    (first, _) = await add_samples(services)
    assert first.status is Status.READY
    assert (await services.library.get(document.id)).status is Status.FAILED
    assert (await services.library.retry(document.id)).status is not Status.FAILED
    ready = await ended(services, document.id)
    assert ready.status is Status.READY
    assert stored(tmp_path)[document.id] == ready.passages


async def test_what_has_ended_cannot_be_cancelled_nor_what_is_well_tried_again(services: Services) -> None:
    (document, _) = await add_samples(services)
    with pytest.raises(NotIndexing):
        await services.library.cancel(document.id)
    with pytest.raises(NotFailed):
        await services.library.retry(document.id)
    with pytest.raises(DocumentNotFound):
        await services.library.cancel("nowhere")
    assert (await services.library.get(document.id)).status is Status.READY


async def test_a_queued_document_can_be_cancelled_before_it_is_begun(
    services: Services, tmp_path: Path
) -> None:
    for word in ("otters", "zebras"):
        await services.library.add(long_paper(tmp_path, word=word))
    queued = await services.library.add(PDFS[1])
    assert (await services.library.cancel(queued.id)).status is Status.FAILED


async def test_a_document_removed_while_it_is_indexed_leaves_nothing(
    services: Services, tmp_path: Path
) -> None:
    document = await services.library.add(long_paper(tmp_path))
    await under_way(services, document.id)
    await services.library.remove(document.id)
    await add_samples(services)  # Only done once the worker is free again.
    with anyio.fail_after(10):
        while document.id in stored(tmp_path):
            await anyio.sleep(0.05)
    with pytest.raises(DocumentNotFound):
        await services.library.get(document.id)


async def test_who_follows_a_document_that_is_removed_is_told(services: Services, tmp_path: Path) -> None:
    document = await services.library.add(long_paper(tmp_path))
    steps: list[Progress] = []
    with pytest.raises(DocumentNotFound):
        async for step in services.library.follow(document.id):
            steps.append(step)
            await services.library.remove(document.id)
    assert len(steps) == 1


async def test_an_indexing_that_broke_off_goes_on_where_it_was(tmp_path: Path) -> None:
    async with open_world(tmp_path) as services:
        document = await services.library.add(long_paper(tmp_path))
        await under_way(services, document.id)
    written = highest_number(tmp_path)
    async with open_world(tmp_path) as services:
        ready = await ended(services, document.id)
    assert 0 < written < ready.passages
    # A passage that is written again gets a new number, so each was written once.
    assert highest_number(tmp_path) == ready.passages


def highest_number(home: Path) -> int:
    with closing(sqlite3.connect(home / "passages.db")) as connection:
        return int(connection.execute("SELECT max(number) FROM passages").fetchone()[0])
