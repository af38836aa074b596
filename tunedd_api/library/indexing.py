"""Passages → embeddings → store: a Haystack pipeline that ends only when everything is stored."""

from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from itertools import islice
from typing import Any

import anyio
from haystack import Document as HaystackDocument
from haystack import Pipeline
from haystack.components.writers import DocumentWriter
from haystack.core.component import Component
from haystack.core.errors import PipelineRuntimeError
from haystack.document_stores.types import DuplicatePolicy

from tunedd_api.backends.stores import Filters, Store
from tunedd_api.errors import TuneddError, leaves
from tunedd_api.library.cutting.passages import title_in_front
from tunedd_api.library.model import Passage, PassagesLost
from tunedd_api.measures import UNMEASURED, Measures

BATCH = 32
"""Passages that are embedded and stored at a time: about half a second's work, little to hold in memory."""
AT_A_TIME = 2
"""Batches under way: while one is stored, the other keeps the processor busy."""

Progress = Callable[[int], Awaitable[None]]


class Indexing:
    """
    Puts the passages of one document into the store, or takes them out.

    `embedder` is a Haystack document embedder. A passage's id derives from document, stamp and position, so
    indexing a document again writes the same passages over themselves.
    """

    def __init__(self, embedder: Component, store: Store, measures: Measures = UNMEASURED) -> None:
        self._store = store
        self._measures = measures
        self._pipeline = Pipeline()
        self._pipeline.add_component("embedder", embedder)
        self._pipeline.add_component("writer", DocumentWriter(store, DuplicatePolicy.OVERWRITE))
        self._pipeline.connect("embedder.documents", "writer.documents")

    async def index(
        self,
        document_id: str,
        title: str,
        passages: Sequence[Passage],
        stamp: str,
        *,
        progress: Progress | None = None,
    ) -> int:
        """
        Embeds and stores what is not stored yet; `progress` hears how many passages are there after each
        batch that was written. Returns how many there are.

        What the document had under other stamps, or beyond its last passage, goes once the new is verified.
        Raises PassagesLost if the store does not hold them all, and what embedder or store raise.
        """
        wanted = to_haystack(document_id, title, passages, stamp)
        stored = await self._stored(document_id, stamp)
        missing = [one for one in wanted if stored.get(one.id) != (one.content, one.meta)]
        await self._write_all(missing, len(wanted) - len(missing), progress)
        await self._verify(document_id, stamp, len(wanted))
        await self._store.delete_by_filter_async(_stale(document_id, stamp, len(wanted)))
        return len(wanted)

    async def counts(self) -> dict[str, int]:
        """Number of passages that the store holds of each document."""
        return await self._store.count_by_document_async()

    async def count(self) -> int:
        """Number of passages that the store holds."""
        return await self._store.count_documents_async()

    async def remove(self, document_id: str) -> None:
        """Removes all passages of a document, under every stamp."""
        await self._store.delete_by_filter_async(_is("document_id", "==", document_id))

    async def _stored(self, document_id: str, stamp: str) -> dict[str, tuple[str | None, dict[str, Any]]]:
        """What an earlier attempt has stored, which need not be embedded again."""
        filters = _all(_is("document_id", "==", document_id), _is("stamp", "==", stamp))
        return {one.id: (one.content, one.meta) for one in await self._store.filter_documents_async(filters)}

    async def _write_all(
        self, passages: Sequence[HaystackDocument], there: int, progress: Progress | None
    ) -> None:
        rest = iter(passages)

        async def work() -> None:
            nonlocal there
            while batch := list(islice(rest, BATCH)):
                await self._write(batch)
                self._measures.passages_written(len(batch))
                there += len(batch)
                if progress is not None:
                    await progress(there)

        try:
            async with anyio.create_task_group() as tasks:
                for _ in range(AT_A_TIME):
                    tasks.start_soon(work)
        except ExceptionGroup as group:
            raise next(leaves(group)) from None

    async def _write(self, batch: list[HaystackDocument]) -> None:
        try:
            await self._pipeline.run_async({"embedder": {"documents": batch}})
        except PipelineRuntimeError as error:
            if isinstance(error.__cause__, TuneddError):
                raise error.__cause__ from None
            raise

    async def _verify(self, document_id: str, stamp: str, expected: int) -> None:
        filters = _all(
            _is("document_id", "==", document_id), _is("stamp", "==", stamp), _is("position", "<", expected)
        )
        stored = await self._store.count_documents_by_filter_async(filters)
        if stored != expected:
            raise PassagesLost(f"The store holds {stored} passages of {expected} that were written to it.")


def to_haystack(
    document_id: str, title: str, passages: Sequence[Passage], stamp: str
) -> list[HaystackDocument]:
    return [
        HaystackDocument(
            id=passage_id(document_id, stamp, position),
            content=passage.text,
            meta={
                "document_id": document_id,
                "title": title_in_front(title),
                "page": passage.page,
                "start": passage.start,
                "end": passage.end,
                "section": passage.section,
                "position": position,
                "stamp": stamp,
            },
        )
        for position, passage in enumerate(passages)
    ]


def passage_id(document_id: str, stamp: str, position: int) -> str:
    return sha256("\0".join((document_id, stamp, str(position))).encode()).hexdigest()


def _stale(document_id: str, stamp: str, count: int) -> Filters:
    outdated = [_is("stamp", "!=", stamp), _is("position", ">=", count)]
    return _all(_is("document_id", "==", document_id), {"operator": "OR", "conditions": outdated})


def _is(field: str, operator: str, value: str | int) -> Filters:
    return {"field": f"meta.{field}", "operator": operator, "value": value}


def _all(*conditions: Filters) -> Filters:
    return {"operator": "AND", "conditions": list(conditions)}
