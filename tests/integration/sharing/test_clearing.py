"""Stores that belong to no index are deleted where a database is shared: not before all have taken note."""

from pathlib import Path

import anyio

from tests.world import weightless
from tunedd_api.backends.database import open_database
from tunedd_api.backends.mock_embedder import WordHashes
from tunedd_api.backends.model_files.weights import Weights
from tunedd_api.bootstrap.indexes import open_indexes
from tunedd_api.library.cutting.passages import CUT
from tunedd_api.library.index_records import SqlIndexRecords
from tunedd_api.library.model import IndexRow
from tunedd_api.measures import UNMEASURED


def row(place: str, *, serving: bool) -> IndexRow:
    hashes = WordHashes()
    return IndexRow(
        stamp=place,
        embedder=hashes.name,
        dimension=hashes.dimension,
        cut=CUT,
        model="mock:",
        place=place,
        serving=serving,
    )


async def test_only_what_is_nobodys_at_the_start_and_later_goes(postgres_url: str, tmp_path: Path) -> None:
    def store(place: str) -> Path:
        return tmp_path / f"passages.{place}.db"

    before, left, begun = "index-000000aa", "index-000000bb", "index-000000cc"
    settings = weightless(tmp_path, database_url=postgres_url)
    async with open_database(postgres_url, tmp_path) as database:
        records = SqlIndexRecords(database)
        await records.add(row(before, serving=True))
        # What another process has just switched away from, and others may still be searching.
        store(left).touch()
        async with open_indexes(
            settings, Weights(tmp_path), database, UNMEASURED, builds=True, grace=1.0
        ) as indexes:
            assert [index.row.place for index in indexes] == [before]
            assert store(left).exists()
            # Another process begins an index, and switches to it in the very moment.
            await records.add(row(begun, serving=False))
            store(begun).touch()
            await records.switch(begun)
            with anyio.fail_after(30):
                while store(left).exists():
                    await anyio.sleep(0.05)
            assert store(begun).exists()
            assert store(before).exists()
