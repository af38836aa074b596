"""What the service asks of a store of passages, whichever it is."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from haystack import Document as HaystackDocument
from haystack.core.component import Component
from haystack.document_stores.types import DocumentStore, DuplicatePolicy

Filters = dict[str, Any]


class Store(DocumentStore, Protocol):
    """A Haystack document store with the calls that the better ones have besides."""

    async def count_documents_async(self) -> int: ...
    async def write_documents_async(
        self, documents: list[HaystackDocument], policy: DuplicatePolicy = DuplicatePolicy.NONE
    ) -> int: ...
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
    """A store, and how it is searched."""

    store: Store
    searches: Mapping[str, Component]
    """The retrievers that `Retrieval` takes by these names: `dense` and `lexical`, or `hybrid`."""
    check: Callable[[], Coroutine[Any, Any, None]]
    """Raises Unavailable or SetupError where it cannot be worked with now."""
    close: Callable[[], Coroutine[Any, Any, None]]
    """May be called twice."""
