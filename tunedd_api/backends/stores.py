"""What the service asks of a store of passages, whichever it is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from haystack import Document as HaystackDocument
from haystack.core.component import Component
from haystack.document_stores.types import DocumentStore

Filters = dict[str, Any]


class Store(DocumentStore, Protocol):
    """A Haystack document store with the calls that the better ones have besides."""

    async def count_documents_by_filter_async(self, filters: Filters) -> int: ...
    async def filter_documents_async(self, filters: Filters | None = None) -> list[HaystackDocument]: ...
    async def count_by_document_async(self) -> dict[str, int]:
        """Number of passages by `meta.document_id`."""
        ...

    async def sample_documents_async(self, count: int) -> list[HaystackDocument]:
        """Some passages, with their vectors, spread over the store."""
        ...

    async def delete_by_filter_async(self, filters: Filters) -> int: ...


@dataclass(frozen=True, kw_only=True)
class PassageStore:
    """A store, and how it is searched: by a `query_embedding` and by a `query`, as Haystack's retrievers."""

    store: Store
    dense: Component
    lexical: Component
    check: Callable[[], Awaitable[None]]
    """Raises Unavailable or SetupError where it cannot be worked with now."""
    close: Callable[[], Awaitable[None]]
    """May be called twice."""
