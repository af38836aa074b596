"""Passages in Weaviate: one collection for each index, side by side."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from functools import partial

import structlog
from pydantic import SecretStr
from weaviate import WeaviateAsyncClient

from tunedd_api.backends.stores import PassageStore
from tunedd_api.backends.weaviate import collections
from tunedd_api.backends.weaviate.address import Address, parse
from tunedd_api.backends.weaviate.client import WRITE, connected
from tunedd_api.backends.weaviate.failures import explained
from tunedd_api.backends.weaviate.hybrid import WeaviateHybridRanking
from tunedd_api.backends.weaviate.store import WeaviatePassages
from tunedd_api.errors import StoreUnavailable

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_weaviate_passages(
    url: str, *, dimension: int, place: str, api_key: SecretStr | None
) -> AsyncIterator[PassageStore]:
    """
    Also while the server is down: then each use tries to connect, and raises StoreUnavailable until it can.

    Raises SetupError.
    """
    store = WeaviatePassages(url, dimension=dimension, place=place, api_key=api_key)
    try:
        try:
            await store.connection.check()
        except StoreUnavailable as error:
            log.warning("passages.unavailable", reason=error.message)
        yield PassageStore(
            store=store,
            searches={"hybrid": WeaviateHybridRanking(store)},
            check=store.connection.check,
            close=store.close_async,
        )
    finally:
        await store.close_async()


async def serve(url: str, place: str, *, api_key: SecretStr | None) -> None:
    """Points the alias at the index that serves. Raises SetupError."""
    await _tidy(url, api_key, partial(collections.point_alias, place=place))


async def discard(url: str, place: str, *, api_key: SecretStr | None) -> None:
    """Raises SetupError."""
    await _tidy(url, api_key, partial(collections.discard, place=place))


async def discard_others(url: str, places: Collection[str], *, api_key: SecretStr | None) -> None:
    """Raises SetupError."""
    await _tidy(url, api_key, partial(collections.discard_others, places=places))


async def _tidy(
    url: str, api_key: SecretStr | None, work: Callable[[WeaviateAsyncClient, Address], Awaitable[None]]
) -> None:
    """What is not done because the server is away is done with the next start: nothing depends on it."""
    address = parse(url)
    try:
        async with connected(address, api_key) as client:
            with explained(address, WRITE):
                await work(client, address)
    except StoreUnavailable as error:
        log.warning("passages.not_tidied", reason=error.message)
