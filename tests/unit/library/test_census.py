"""The census: documents and passages as the database counts them, in each index."""

from pathlib import Path

from tests.world import SAMPLES, add_samples, open_world
from tunedd_api.backends.database import open_database
from tunedd_api.library.census import Count, SqlCensus
from tunedd_api.library.index_records import SqlIndexRecords
from tunedd_api.library.model import IndexRow, Status
from tunedd_api.library.queue import SqlIndexingQueue
from tunedd_api.library.records import SqlDocumentRecords


def index(stamp: str, *, serving: bool) -> IndexRow:
    return IndexRow(
        stamp=stamp, embedder="e", dimension=2, cut="c", model="mock:", place=stamp, serving=serving
    )


async def test_documents_and_passages_are_counted_in_each_index(tmp_path: Path, database_url: str) -> None:
    async with open_database(database_url, tmp_path) as database:
        indexes, queue = SqlIndexRecords(database), SqlIndexingQueue(database)
        documents = SqlDocumentRecords(database)
        await indexes.add(index("old", serving=True))
        for letter in "abc":
            await documents.add(sha256=letter * 64, file=f"{letter}.pdf", revive=False)
        for passages in (3, 4):
            claim = await queue.claim(["old"])
            assert claim
            await queue.set_ready(claim, passages)
        await documents.remove("c" * 16)
        await indexes.add(index("new", serving=False))
        await queue.queue_unindexed()
        counts = await SqlCensus(database).count()
    assert sorted(counts, key=lambda one: one.serving) == [
        Count(serving=False, status=Status.QUEUED, documents=2, passages=0),
        Count(serving=True, status=Status.READY, documents=2, passages=7),
    ]


async def test_an_empty_library_has_no_counts(tmp_path: Path, database_url: str) -> None:
    async with open_database(database_url, tmp_path) as database:
        assert await SqlCensus(database).count() == []


async def test_the_census_agrees_with_the_library(tmp_path: Path) -> None:
    async with open_world(tmp_path) as services:
        added = await add_samples(services)
        text = (await services.watch.text()).decode()
    assert len(added) == len(list(SAMPLES.glob("*.pdf")))
    stored = sum(document.passages for document in added)
    assert f'tunedd_passages{{index="serving"}} {stored}.0' in text
