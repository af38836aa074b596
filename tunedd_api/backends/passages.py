"""Where passages are kept and found, by URL: a document store with its two searches."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from anyio import to_thread

from tunedd_api.backends.sqlite.passages import (
    delete_other_passages,
    delete_passages,
    file_of,
    open_sqlite_passages,
)
from tunedd_api.backends.stores import PassageStore
from tunedd_api.errors import SetupError


class UnknownPassages(SetupError):
    """TUNEDD_PASSAGES_URL must be sqlite:FILE or memory:."""


@asynccontextmanager
async def open_passages(
    url: str, home: Path, *, dimension: int, place: str = ""
) -> AsyncIterator[PassageStore]:
    """
    Opens `sqlite:FILE` (relative to home) or `memory:` for vectors of one dimension.

    Another `place` is another store at the same URL: for an index beside the one that serves.

    Raises DimensionMismatch, DamagedFile, OtherVersion, StoreUnavailable.
    """
    scheme, _, name = url.partition(":")
    match scheme:
        case "memory":
            opening = open_sqlite_passages(":memory:", dimension=dimension)
        case "sqlite" if name:
            opening = open_sqlite_passages(file_of(home / name, place), dimension=dimension)
        case _:
            raise UnknownPassages
    async with opening as passages:
        yield passages


async def discard_passages(url: str, home: Path, place: str) -> None:
    """Deletes the store of an index that is not needed any more; it must not be open."""
    scheme, _, name = url.partition(":")
    if scheme == "sqlite":
        await to_thread.run_sync(delete_passages, home / name, place)


async def discard_other_passages(url: str, home: Path, places: Collection[str]) -> None:
    """Deletes the stores of all indexes but these: what a stopped process has left."""
    scheme, _, name = url.partition(":")
    if scheme == "sqlite":
        await to_thread.run_sync(partial(delete_other_passages, home / name, places))
