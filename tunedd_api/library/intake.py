"""Takes PDFs into the library, and out of it."""

from functools import partial
from pathlib import Path

from anyio import to_thread

from tunedd_api.library.admission import admit
from tunedd_api.library.model import Description, Document, Status, document_id_of
from tunedd_api.library.names import displayable
from tunedd_api.library.originals import Originals
from tunedd_api.library.ports import DocumentRecords, Exclusive, IndexingQueue, LibraryIndexes, Work

CHANGING = "library.changing"


class Intake:
    """Changes one document at a time, so that adding and removing the same one cannot cross."""

    def __init__(
        self,
        *,
        records: DocumentRecords,
        queue: IndexingQueue,
        originals: Originals,
        indexes: LibraryIndexes,
        work: Work,
        exclusive: Exclusive,
        largest: int,
    ) -> None:
        """`largest` in bytes."""
        self._records = records
        self._queue = queue
        self._originals = originals
        self._indexes = indexes
        self._work = work
        self._largest = largest
        self._exclusive = exclusive

    async def take_in(
        self,
        file: Path,
        *,
        name: str,
        revive: bool,
        sample: bool = False,
        description: Description | None = None,
    ) -> Document | None:
        """
        The document of this content, kept and queued if it is new, and tried again if it failed.

        A removed one comes back only with `revive`; without it the answer is None, and a failed one stays so.
        Raises NotAPdf, NotAFile, FileTooLarge, DiskFull, StoreUnavailable; OSError where the file cannot be
        read.
        """
        await to_thread.run_sync(partial(admit, file, largest=self._largest, name=name))
        sha256 = await self._originals.digest(file)
        async with self._exclusive(CHANGING):
            known = await self._records.get(document_id_of(sha256))
            if known is None and not revive and await self._records.is_deleted(document_id_of(sha256)):
                return None
            if known is None or not self._originals.path(sha256).exists():
                # Its own digest counts: the file may have grown since.
                sha256 = await self._originals.keep(file)
            document = await self._records.add(
                sha256=sha256, file=displayable(name), revive=revive, sample=sample, description=description
            )
            if document and document.status is Status.FAILED and (revive or known is None):
                await self._queue.retry(document.id)
                document = await self._records.get(document.id)
        self._work.wake()
        return document

    async def remove(self, document_id: str, *, forget: bool) -> None:
        """With `forget` the same file, found again, is taken in again."""
        async with self._exclusive(CHANGING):
            sha256 = await self._records.sha256(document_id)
            # The record first: from then on nothing answers from it, and what is left to do is known.
            await self._records.remove(document_id, forget=forget)
            self._work.wake()
            await self._clear(document_id, sha256 or "", forget=forget)

    async def recover(self, *, alone: bool) -> None:
        """Finishes what a stopped process left half done; `alone` where no other changes this library."""
        await self.clear()
        await self._originals.sweep(await self._records.removed_sha256(), alone=alone)

    async def clear(self) -> None:
        """Finishes removals that were broken off, as when the store of the passages was away."""
        if await self._records.uncleared():
            async with self._exclusive(CHANGING):
                for removal in await self._records.uncleared():
                    await self._clear(removal.document_id, removal.sha256, forget=removal.forget)

    async def _clear(self, document_id: str, sha256: str, *, forget: bool) -> None:
        await self._indexes.remove(document_id)
        await self._originals.remove(sha256)
        await self._records.set_cleared(document_id, forget=forget)
