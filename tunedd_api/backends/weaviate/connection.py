"""The collection of one index on a server that may come and go."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from pydantic import SecretStr
from weaviate import WeaviateAsyncClient
from weaviate.collections import CollectionAsync
from weaviate.collections.classes.grpc import MetadataQuery

from tunedd_api.backends.weaviate.address import Address
from tunedd_api.backends.weaviate.client import CONNECT, QUERY, connect
from tunedd_api.backends.weaviate.collections import ensure
from tunedd_api.backends.weaviate.failures import explained

Passages = CollectionAsync[Any, Any]


class Connection:
    """
    Connects with the first use, and with each further one until it has worked; once, however many wait.

    Later losses the client mends by itself.
    """

    def __init__(self, address: Address, *, place: str, dimension: int, api_key: SecretStr | None) -> None:
        self.address = address
        self.collection = address.collection(place)
        self._dimension = dimension
        self._api_key = api_key
        self._client: WeaviateAsyncClient | None = None
        self._lock = anyio.Lock()

    @asynccontextmanager
    async def passages(self, within: float = QUERY) -> AsyncIterator[Passages]:
        """The collection, for work of so many seconds. Raises StoreUnavailable, SetupError."""
        client = await self.client()
        with explained(self.address, within):
            yield client.collections.use(self.collection)

    async def client(self) -> WeaviateAsyncClient:
        """With the collection in place. Raises StoreUnavailable, SetupError."""
        async with self._lock:
            if self._client is None:
                self._client = await self._opened()
            return self._client

    async def check(self) -> None:
        """Asks on both ports. Raises StoreUnavailable, SetupError."""
        client = await self.client()
        with explained(self.address, CONNECT):
            await client.get_meta()
            await _ask(client, self.collection)

    async def close(self) -> None:
        """May be called twice; another use opens it again."""
        client, self._client = self._client, None
        if client is not None:
            with anyio.CancelScope(shield=True):
                await client.close()

    async def _opened(self) -> WeaviateAsyncClient:
        client = await connect(self.address, self._api_key)
        try:
            with explained(self.address, QUERY):
                await ensure(client, self.collection, self._dimension)
                await _ask(client, self.collection)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await client.close()
            raise
        return client


async def _ask(client: WeaviateAsyncClient, collection: str) -> None:
    """Something small that goes through gRPC; what is about collections goes through HTTP."""
    wanted = MetadataQuery(creation_time=True)
    await client.collections.use(collection).query.fetch_objects(
        limit=1, return_properties=[], return_metadata=wanted
    )
