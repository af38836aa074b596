"""The collection of one index on a server that may come and go."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio
from pydantic import SecretStr
from weaviate import WeaviateAsyncClient
from weaviate.collections import CollectionAsync
from weaviate.collections.classes.grpc import MetadataQuery

from tunedd_api.backends.weaviate.address import Address
from tunedd_api.backends.weaviate.client import CONNECT, QUERY, connect
from tunedd_api.backends.weaviate.collections import ensure
from tunedd_api.backends.weaviate.failures import explained, recognized, says_gone
from tunedd_api.errors import SetupError, StoreUnavailable

Passages = CollectionAsync[Any, Any]


class Connection:
    """
    Connects with the first use, and with each further one until it has worked; once, however many wait.

    Later losses the client mends by itself; a collection that is lost the next use makes anew.
    """

    def __init__(self, address: Address, *, place: str, dimension: int, api_key: SecretStr | None) -> None:
        self.address = address
        self.collection = address.collection(place)
        self._dimension = dimension
        self._api_key = api_key
        self._client: WeaviateAsyncClient | None = None
        self._in_place = False
        """Whether the collection was there when it was last asked for."""
        self._lock = anyio.Lock()
        self._failure: StoreUnavailable | SetupError | None = None
        """Of the latest attempt, which those share who waited for it."""

    @asynccontextmanager
    async def passages(self, within: float = QUERY) -> AsyncIterator[Passages]:
        """The collection, for work of so many seconds. Raises StoreUnavailable, SetupError."""
        client = await self.client()
        with explained(self.address, within), self._noticing():
            yield client.collections.use(self.collection)

    async def client(self) -> WeaviateAsyncClient:
        """With the collection in place. Raises StoreUnavailable, SetupError."""
        known = self._failure
        async with self._lock:
            if self._failure is not None and self._failure is not known:
                raise _again(self._failure)
            if self._client is not None and self._in_place:
                return self._client
            connected = self._client
            try:
                client = await self._opened(connected)
            except (StoreUnavailable, SetupError) as error:
                self._failure = _again(error)
                raise
            self._failure, self._in_place = None, True
            if self._client is connected:
                # Otherwise it was closed meanwhile.
                self._client = client
            return client

    async def check(self) -> None:
        """Asks on both ports. Raises StoreUnavailable, SetupError."""
        client = await self.client()
        with explained(self.address, CONNECT), self._noticing():
            with recognized(self.address):
                # Another program may have taken its port over meanwhile, and answer whatever is asked.
                _ = (await client.get_meta())["version"]
            await _ask(client, self.collection)

    async def close(self) -> None:
        """May be called twice; another use opens it again."""
        client, self._client = self._client, None
        if client is not None:
            with anyio.CancelScope(shield=True):
                await client.close()

    async def _opened(self, connected: WeaviateAsyncClient | None) -> WeaviateAsyncClient:
        client = connected or await connect(self.address, self._api_key)
        try:
            with explained(self.address, QUERY):
                with recognized(self.address):
                    await ensure(client, self.collection, self._dimension)
                await _ask(client, self.collection)
        except BaseException:
            if connected is None:
                with anyio.CancelScope(shield=True):
                    await client.close()
            raise
        return client

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        """That the collection is gone: a server whose data were lost comes back without it."""
        try:
            yield
        except Exception as error:
            if says_gone(error):
                self._in_place = False
            raise


def _again(error: StoreUnavailable | SetupError) -> StoreUnavailable | SetupError:
    """The same for another caller: an error that is raised twice mixes up their traces."""
    return type(error)(error.message)


async def _ask(client: WeaviateAsyncClient, collection: str) -> None:
    """Something small that goes through gRPC; what is about collections goes through HTTP."""
    wanted = MetadataQuery(creation_time=True)
    await client.collections.use(collection).query.fetch_objects(
        limit=1, return_properties=[], return_metadata=wanted
    )
