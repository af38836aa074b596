"""Where passages are kept and found, by URL: a document store with its two searches."""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tunedd_api.backends.sqlite.rankings import SQLiteBM25Ranking, SQLiteEmbeddingRanking
from tunedd_api.backends.sqlite.store import SQLiteDocumentStore
from tunedd_api.errors import SetupError

PLACE = r"(\.index-[0-9a-f]{8})?"
"""What stands behind the name of an index's file, before its suffix."""


class UnknownPassages(SetupError):
    """TUNEDD_PASSAGES_URL must be sqlite:FILE or memory:."""


@dataclass(frozen=True, kw_only=True)
class PassageStore:
    """A Haystack document store, and how it is searched."""

    store: SQLiteDocumentStore
    dense: SQLiteEmbeddingRanking
    lexical: SQLiteBM25Ranking


@contextmanager
def open_passages(url: str, home: Path, *, dimension: int, place: str = "") -> Iterator[PassageStore]:
    """
    Opens `sqlite:FILE` (relative to home) or `memory:` for vectors of one dimension.

    Another `place` is another store at the same URL: for an index beside the one that serves.

    Raises DimensionMismatch, DamagedFile, OtherVersion, StoreUnavailable.
    """
    scheme, _, name = url.partition(":")
    match scheme:
        case "memory":
            store = SQLiteDocumentStore(":memory:", dimension=dimension)
        case "sqlite" if name:
            store = SQLiteDocumentStore(_file(home, name, place), dimension=dimension)
        case _:
            raise UnknownPassages
    try:
        store.verify()
        yield PassageStore(store=store, dense=SQLiteEmbeddingRanking(store), lexical=SQLiteBM25Ranking(store))
    finally:
        store.close()


def discard_passages(url: str, home: Path, place: str) -> None:
    """Deletes the store of an index that is not needed any more; it must not be open."""
    scheme, _, name = url.partition(":")
    if scheme == "sqlite":
        _delete(_file(home, name, place))


def discard_other_passages(url: str, home: Path, places: Collection[str]) -> None:
    """Deletes the stores of all indexes but these: what a stopped process has left."""
    scheme, _, name = url.partition(":")
    if scheme == "sqlite":
        first = Path(name)
        kept = {_file(home, name, place) for place in places}
        pattern = re.compile(re.escape(first.stem) + PLACE + re.escape(first.suffix))
        for file in (home / first.parent).iterdir():
            if file not in kept and pattern.fullmatch(file.name):
                _delete(file)


def _file(home: Path, name: str, place: str) -> Path:
    file = home / name
    return file.with_name(f"{file.stem}.{place}{file.suffix}") if place else file


def _delete(file: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        Path(f"{file}{ending}").unlink(missing_ok=True)
