"""What has to be mended before indexing goes on: after a killed process, a lost index, a newer reader."""

import structlog

from tunedd_api.library.indexes import Index, Indexes
from tunedd_api.library.ports import DocumentRecords, IndexingQueue, IndexRecords
from tunedd_api.library.reading.wire import READER

log = structlog.get_logger(__name__)


class Recovery:
    """For the one process that indexes, or that leads those which do."""

    def __init__(
        self,
        *,
        records: DocumentRecords,
        queue: IndexingQueue,
        index_records: IndexRecords,
        indexes: Indexes,
    ) -> None:
        self._records = records
        self._queue = queue
        self._index_records = index_records
        self._indexes = indexes

    async def recover(self, *, alone: bool) -> None:
        """
        Queues everything that is not wholly in its index, and clears out what belongs to no document.

        Unless it is `alone` what others have claimed stays theirs, until its lease ends.
        """
        broken_off = await self._queue.requeue_interrupted() if alone else 0
        outdated = await self._queue.retry_outdated(READER)
        missing = await self._queue.queue_unindexed()
        lost = 0
        for index in self._indexes:
            lost += await self._compare(index)
        if broken_off or outdated or missing or lost:
            log.info("indexing.resumed", broken_off=broken_off, retried=outdated, new=missing, lost=lost)

    async def incomplete(self) -> bool:
        """Whether a store holds fewer passages than it should: its server came back without what it had."""
        for index in self._indexes:
            if index.search is not None:
                # The records first: what is ready is stored already, so that the store can only hold more.
                expected = sum((await self._index_records.ready_passages(index.row.stamp)).values())
                if expected and await index.indexing.count() < expected:
                    return True
        return False

    async def _compare(self, index: Index) -> int:
        # In this order: what is ready is stored already; what comes in between is known, though not stored.
        ready = await self._index_records.ready_passages(index.row.stamp)
        stored = await index.indexing.counts()
        known: set[str] = set().union(*(await self._records.ids_by_status()).values())
        for stranger in stored.keys() - known:
            await index.indexing.remove(stranger)
        if index.search is None:
            # Nothing is added to an outdated index.
            return 0
        lost = 0
        for document, expected in ready.items():
            if stored.get(document, 0) != expected:
                log.warning(
                    "document.lost", document=document, stored=stored.get(document, 0), expected=expected
                )
                await self._queue.queue_again(document, index.row.stamp)
                lost += 1
        return lost
