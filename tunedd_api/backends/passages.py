"""Where passages are kept and found, by URL: a document store with its searches."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import ModuleType

from anyio import to_thread
from pydantic import SecretStr

from tunedd_api.backends.sqlite.passages import (
    delete_other_passages,
    delete_passages,
    file_of,
    open_sqlite_passages,
)
from tunedd_api.backends.stores import PassageStore
from tunedd_api.errors import MissingExtra, SetupError


class UnknownPassages(SetupError):
    """TUNEDD_PASSAGES_URL must be sqlite:FILE, memory:, or weaviate://HOST:8080?grpc=50051."""


@asynccontextmanager
async def open_passages(
    url: str, home: Path, *, dimension: int, place: str = "", api_key: SecretStr | None = None
) -> AsyncIterator[PassageStore]:
    """
    Opens `sqlite:FILE` (relative to home), `memory:` or `weaviate://…` for vectors of one dimension.

    Another `place` is another store at the same URL: for an index beside the one that serves. A server that
    is down is opened all the same; its store raises StoreUnavailable until it is there.

    Raises DimensionMismatch, DamagedFile, OtherVersion, StoreUnavailable, SetupError.
    """
    scheme, _, name = url.partition(":")
    match scheme:
        case "memory":
            opening = open_sqlite_passages(":memory:", dimension=dimension)
        case "sqlite" if name:
            opening = open_sqlite_passages(file_of(home / name, place), dimension=dimension)
        case "weaviate" | "weaviate+https":
            opening = _weaviate().open_weaviate_passages(
                url, dimension=dimension, place=place, api_key=api_key
            )
        case _:
            raise UnknownPassages
    async with opening as passages:
        yield passages


async def serve_passages(url: str, place: str, *, api_key: SecretStr | None = None) -> None:
    """Tells a server which index serves, for those who look there; repeating it is harmless."""
    scheme, _, _ = url.partition(":")
    if scheme.startswith("weaviate"):
        await _weaviate().serve(url, place, api_key=api_key)


async def discard_passages(url: str, home: Path, place: str, *, api_key: SecretStr | None = None) -> None:
    """Deletes the store of an index that is not needed any more; it must not be open."""
    scheme, _, name = url.partition(":")
    if scheme == "sqlite":
        await to_thread.run_sync(delete_passages, home / name, place)
    elif scheme.startswith("weaviate"):
        await _weaviate().discard(url, place, api_key=api_key)


async def discard_other_passages(
    url: str, home: Path, places: Collection[str], *, api_key: SecretStr | None = None
) -> None:
    """Deletes the stores of all indexes but these: what a stopped process has left."""
    scheme, _, name = url.partition(":")
    if scheme == "sqlite":
        await to_thread.run_sync(partial(delete_other_passages, home / name, places))
    elif scheme.startswith("weaviate"):
        await _weaviate().discard_others(url, places, api_key=api_key)


def _weaviate() -> ModuleType:
    """Imported with the first use: it takes seconds."""
    try:
        from tunedd_api.backends.weaviate import passages
    except ImportError as error:
        raise MissingExtra.named(error.name, "servers") from error
    return passages
