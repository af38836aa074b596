"""The index that serves, and the one that is built beside it for another embedding model or cut."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import anyio
import structlog

from tunedd_api.library.indexing import Indexing
from tunedd_api.library.model import Embedding, Found, IndexOutdated, IndexRow, Status
from tunedd_api.library.ports import IndexRecords, WarmSearch

log = structlog.get_logger(__name__)

LONGEST_SEARCH = 30.0
"""Seconds."""
INCOMPLETE = (
    "The old index still serves: {count} of its documents could not be indexed for the new one ({ids}). "
    "GET /documents/ID says why, POST /documents/ID/retry tries one again, DELETE does without it."
)
NAMED = 3
"""Documents that it names."""
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
        self.problem: str | None = None
        """Why the new index does not replace the one that serves."""
        self._records = records
        self._serving = serving
        self._building = building
        self._discard = discard
        self._searching: Counter[str] = Counter()
        self._searched = asyncio.Event()

    def __iter__(self) -> Iterator[Index]:
        yield self._serving
        if self._building is not None:
            yield self._building

    @property
    def outdated(self) -> bool:
        """Whether nothing can be asked, since the model that its vectors are of is not there."""
        return self._serving.search is None

    async def search(
        self, question: str, *, history: Sequence[str], document_ids: Sequence[str] | None, limit: int
    ) -> list[Found]:
        """Raises IndexOutdated."""
        stamp, search = self._serving.row.stamp, self._serving.search
        if search is None:
            raise IndexOutdated
        self._searching[stamp] += 1
        try:
            return await search.search(question, history=history, document_ids=document_ids, limit=limit)
        finally:
            self._searching[stamp] -= 1
            self._searched.set()

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
        if await self._loses():
            return
        await self._records.switch(self._building.row.stamp)
        old, self._serving, self._building = self._serving, self._building, None
        log.info(
            "index.switched",
            stamp=self._serving.row.stamp,
            ready=states.get(Status.READY, 0),
            failed=states.get(Status.FAILED, 0),
        )
        # A search that has begun in it reads its texts at the end.
        with anyio.move_on_after(LONGEST_SEARCH):
            while self._searching[old.row.stamp]:
                self._searched.clear()
                await self._searched.wait()
        await self._discard(old.row)

    async def _loses(self) -> bool:
        """Whether documents that answer now would do so no more."""
        if self._building is None or self._serving.search is None:
            # An index without its model answers nothing anyway.
            return False
        lost = await self._records.lost(serving=self._serving.row.stamp, building=self._building.row.stamp)
        named = ", ".join([*lost[:NAMED], *(["…"] if len(lost) > NAMED else [])])
        problem = INCOMPLETE.format(count=len(lost), ids=named) if lost else None
        if problem and problem != self.problem:
            log.warning("index.incomplete", failed=len(lost))
        self.problem = problem
        return bool(lost)
