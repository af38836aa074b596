"""The index that serves, and the one that is built beside it for another embedding model or cut."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import structlog

from tunedd_api.library.indexing import Indexing
from tunedd_api.library.model import Embedding, Found, IndexOutdated, IndexRow, Status
from tunedd_api.library.ports import IndexRecords, WarmSearch

log = structlog.get_logger(__name__)

UNFINISHED = (Status.QUEUED, Status.READING, Status.EMBEDDING)


@dataclass(frozen=True, kw_only=True)
class Index:
    """A store of passages, with the embedding model that they and the questions to them are embedded with."""

    row: IndexRow
    embedding: Embedding
    indexing: Indexing
    search: WarmSearch | None
    """None where its vectors agree with no embedding model that is at hand."""


class Indexes:
    """Fulfils `LibraryIndexes`."""

    def __init__(
        self,
        *,
        records: IndexRecords,
        serving: Index,
        building: Index | None = None,
        discard: Callable[[IndexRow], Awaitable[None]],
    ) -> None:
        """`discard` deletes the store of an index that is not needed any more."""
        self._records = records
        self._serving = serving
        self._building = building
        self._discard = discard

    def __iter__(self) -> Iterator[Index]:
        yield self._serving
        if self._building is not None:
            yield self._building

    async def search(
        self, question: str, *, history: Sequence[str], document_ids: Sequence[str] | None, limit: int
    ) -> list[Found]:
        """Raises IndexOutdated."""
        if self._serving.search is None:
            raise IndexOutdated
        return await self._serving.search.search(
            question, history=history, document_ids=document_ids, limit=limit
        )

    async def remove(self, document_id: str) -> None:
        for index in self:
            await index.indexing.remove(document_id)

    async def building(self) -> Mapping[Status, int] | None:
        return await self._records.states(self._building.row.stamp) if self._building else None

    async def switch_when_complete(self) -> None:
        """Lets the new index serve once nothing is left to do for it; the old one is deleted."""
        states = await self.building()
        if self._building is None or states is None or any(states.get(one) for one in UNFINISHED):
            return
        await self._records.switch(self._building.row.stamp)
        old, self._serving, self._building = self._serving, self._building, None
        log.info(
            "index.switched",
            stamp=self._serving.row.stamp,
            ready=states.get(Status.READY, 0),
            failed=states.get(Status.FAILED, 0),
        )
        await self._discard(old.row)
