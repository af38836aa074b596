"""The index that serves, and the one that is built beside it for another embedding model or cut."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import anyio
import structlog

from tunedd_api.library.indexing import Indexing
from tunedd_api.library.model import Embedding, Found, IndexOutdated, IndexRow, Status
from tunedd_api.library.ports import Exclusive, IndexRecords, WarmSearch

log = structlog.get_logger(__name__)

Check = Callable[[], Awaitable[None]]
LONGEST_SEARCH = 30.0
"""Seconds."""
INCOMPLETE = (
    "The old index still serves: {count} of its documents could not be indexed for the new one ({ids}). "
    "GET /documents/ID says why, POST /documents/ID/retry tries one again, DELETE does without it."
)
NAMED = 3
"""Documents that it names."""
CHOOSING = "library.indexes"
"""Name of the lock under which one process at a time decides which indexes there are."""
UNFINISHED = (Status.QUEUED, Status.READING, Status.EMBEDDING)


@dataclass(frozen=True, kw_only=True)
class Index:
    """A store of passages, with the embedding model that they and the questions to them are embedded with."""

    row: IndexRow
    embedding: Embedding
    indexing: Indexing
    search: WarmSearch | None
    """None where its vectors agree with no embedding model that is at hand."""
    checks: Mapping[str, Check]
    """What it needs, by name; each raises Unavailable or SetupError where it is not there now."""


class IndexStores(Protocol):
    """What indexes are kept in."""

    async def open(self, row: IndexRow) -> Index: ...
    async def serve(self, row: IndexRow) -> None:
        """Tells those who look into the store itself that this is the index which serves."""
        ...

    async def close(self, row: IndexRow) -> None:
        """For this process."""
        ...

    async def discard(self, row: IndexRow) -> None:
        """Deletes the store of an index that is not needed any more."""
        ...


class Indexes:
    """Fulfils `LibraryIndexes`."""

    def __init__(
        self,
        *,
        records: IndexRecords,
        serving: Index,
        building: Index | None = None,
        stores: IndexStores,
        exclusive: Exclusive,
        grace: float = 0.0,
    ) -> None:
        """`grace`: seconds that other processes get to take note of a switch before the old store goes."""
        self.problem: str | None = None
        """Why the new index does not replace the one that serves."""
        self._records = records
        self._serving = serving
        self._building = building
        self._stores = stores
        self._exclusive = exclusive
        self._grace = grace
        self._searching: Counter[str] = Counter()
        self._searched = asyncio.Event()
        self._changing = asyncio.Lock()

    def __iter__(self) -> Iterator[Index]:
        yield self._serving
        if self._building is not None:
            yield self._building

    def checks(self) -> Mapping[str, Check]:
        """What questions need, by name."""
        return self._serving.checks

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
        if self._building is None:
            return
        async with self._exclusive(CHOOSING), self._changing:
            await self._refresh()
            states = await self.building()
            if self._building is None or states is None or any(states.get(one) for one in UNFINISHED):
                return
            if await self._loses() or not await self._records.switch(self._building.row.stamp):
                return
            old, self._serving, self._building = self._serving, self._building, None
        log.info(
            "index.switched",
            stamp=self._serving.row.stamp,
            ready=states.get(Status.READY, 0),
            failed=states.get(Status.FAILED, 0),
        )
        await self._stores.serve(self._serving.row)
        await anyio.sleep(self._grace)
        await self._unused(old)
        await self._stores.discard(old.row)

    async def serve(self) -> None:
        """Tells the store once more which index serves: it may have lost that."""
        await self._stores.serve(self._serving.row)

    async def refresh(self) -> None:
        """Takes note of what another process has changed."""
        async with self._changing:
            await self._refresh()

    async def _refresh(self) -> None:
        rows = {row.serving: row for row in await self._records.all()}
        serving, building = rows.get(True), rows.get(False)
        before = [*self]
        now = [row.stamp for row in (serving, building) if row]
        if serving is None or now == [index.row.stamp for index in before]:
            return
        known = {index.row.stamp: index for index in before}
        opened = [known.get(row.stamp) or await self._stores.open(row) for row in (serving, building) if row]
        self._serving, self._building = opened[0], opened[1] if building else None
        for index in before:
            if index not in [*self]:
                await self._unused(index)
                await self._stores.close(index.row)

    async def _unused(self, index: Index) -> None:
        """Waits for the searches in it: one that has begun reads its texts at the end."""
        with anyio.move_on_after(LONGEST_SEARCH):
            while self._searching[index.row.stamp]:
                self._searched.clear()
                await self._searched.wait()

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
