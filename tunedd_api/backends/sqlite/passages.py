"""Passages in files: one for each index, side by side in the folder of the first."""

import re
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path

from tunedd_api.backends.sqlite.rankings import SQLiteBM25Ranking, SQLiteEmbeddingRanking
from tunedd_api.backends.sqlite.store import SQLiteDocumentStore
from tunedd_api.backends.stores import PassageStore

PLACE = r"(\.index-[0-9a-f]{8})?"
"""What stands behind the name of an index's file, before its suffix."""


@asynccontextmanager
async def open_sqlite_passages(path: str | Path, *, dimension: int) -> AsyncIterator[PassageStore]:
    """Raises DimensionMismatch, DamagedFile, OtherVersion, StoreUnavailable."""
    store = SQLiteDocumentStore(path, dimension=dimension)

    async def check() -> None:
        await store.count_documents_by_filter_async({"field": "id", "operator": "==", "value": ""})

    async def close() -> None:
        store.close()

    try:
        store.verify()
        yield PassageStore(
            store=store,
            searches={"dense": SQLiteEmbeddingRanking(store), "lexical": SQLiteBM25Ranking(store)},
            check=check,
            close=close,
        )
    finally:
        store.close()


def file_of(first: Path, place: str) -> Path:
    """Where the passages of an index lie; `first` is the file of the first one."""
    return first.with_name(f"{first.stem}.{place}{first.suffix}") if place else first


def delete_passages(first: Path, place: str) -> None:
    _delete(file_of(first, place))


def delete_other_passages(first: Path, places: Collection[str]) -> None:
    """Of all indexes but these."""
    kept = {file_of(first, place) for place in places}
    pattern = re.compile(re.escape(first.stem) + PLACE + re.escape(first.suffix))
    for file in first.parent.iterdir():
        if file not in kept and pattern.fullmatch(file.name):
            _delete(file)


def _delete(file: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        Path(f"{file}{ending}").unlink(missing_ok=True)
