"""The library as its users see it: add, look at, remove and search documents."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from pathlib import Path

import anyio
import structlog

from tunedd_api.errors import DiskFull
from tunedd_api.library.intake import Intake
from tunedd_api.library.model import (
    Description,
    Document,
    DocumentNotFound,
    EmptyQuery,
    EmptyScope,
    FileLost,
    Found,
    Hit,
    IndexOutdated,
    NotFailed,
    NothingReady,
    NotIndexing,
    Progress,
    Status,
    SyncProgress,
    UnknownDocuments,
)
from tunedd_api.library.originals import Originals
from tunedd_api.library.ports import DocumentRecords, Folder, IndexingQueue, LibraryIndexes, Work

log = structlog.get_logger(__name__)

ADD_SOME = "Put PDFs into the papers folder and start again, or send one to POST /documents."
CANCELLED = "The indexing was cancelled on request. POST /documents/ID/retry takes it up again."
LOOK_EVERY = 0.25
"""Seconds between two looks at a document that is followed."""
NAMED = 10
"""Most unknown documents that a refusal names."""


class Library:
    """All documents. Everything that was added is indexed in the background by an `Indexer`."""

    def __init__(
        self,
        *,
        records: DocumentRecords,
        originals: Originals,
        queue: IndexingQueue,
        indexes: LibraryIndexes,
        intake: Intake,
        work: Work,
        folder: Folder,
    ) -> None:
        self._records = records
        self._originals = originals
        self._queue = queue
        self._indexes = indexes
        self._intake = intake
        self._work = work
        self._folder = folder

    async def add(
        self, file: Path, *, name: str | None = None, description: Description | None = None
    ) -> Document:
        """
        Takes a PDF in and queues it; the same content twice is the same document, tried again if it failed.

        Raises NotAPdf, DiskFull, StoreUnavailable.
        """
        document = await self._intake.take_in(
            file, name=name or file.name, revive=True, description=description
        )
        if document is None:  # pragma: no cover - only a deletion in this very moment
            raise DocumentNotFound
        return document

    def incoming(self) -> AbstractAsyncContextManager[Path]:
        """Where a file can be written that is to be added; it is gone at the end. Raises DiskFull."""
        return self._originals.incoming()

    async def retry(self, document_id: str) -> Document:
        """Tries a failed document again. Raises DocumentNotFound, NotFailed."""
        document = await self.get(document_id)
        if not await self._queue.retry(document.id):
            raise NotFailed
        self._work.wake()
        return await self.get(document_id)

    async def cancel(self, document_id: str) -> Document:
        """Breaks the indexing of a document off, which then counts as failed. Raises NotIndexing."""
        document = await self.get(document_id)
        if not await self._queue.cancel(document.id, CANCELLED):
            raise NotIndexing
        self._work.wake()
        log.info("indexing.cancel", document=document.id)
        return await self.get(document_id)

    async def follow(self, document_id: str) -> AsyncGenerator[Progress]:
        """
        How far a document is, now and at every change; ends when it is ready or failed.

        Raises DocumentNotFound, also when the document is removed meanwhile.
        """
        told: Progress | None = None
        while True:
            document = await self.get(document_id)
            ahead = await self._records.ahead(document_id) if document.status is Status.QUEUED else 0
            progress = Progress(document=document, ahead=ahead)
            if progress != told:
                yield progress
            if document.status.ended:
                return
            told = progress
            await anyio.sleep(LOOK_EVERY)

    async def get(self, document_id: str) -> Document:
        document = await self._records.get(document_id)
        if document is None:
            raise DocumentNotFound(f"There is no document {document_id!r}.")
        return document

    async def file(self, document_id: str) -> tuple[Document, Path]:
        """The document and where its PDF lies."""
        document = await self.get(document_id)
        sha256 = await self._records.sha256(document_id)
        path = self._originals.path(sha256 or "")
        if not path.exists():
            raise FileLost
        return document, path

    async def remove(self, document_id: str) -> None:
        """Removes a document for good: a folder sync does not bring it back."""
        document = await self.get(document_id)
        await self._intake.remove(document.id, forget=False)
        log.info("document.removed", document=document.id)

    async def require(self, document_ids: Sequence[str] | None) -> None:
        """Raises EmptyScope or UnknownDocuments if this is no choice of documents."""
        if document_ids is None:
            return
        if not document_ids:
            raise EmptyScope
        known = await self._records.by_ids(document_ids)
        if missing := [id for id in document_ids if id not in known]:
            more = " and others" if len(missing) > NAMED else ""
            raise UnknownDocuments(f"There is no document {', '.join(map(repr, missing[:NAMED]))}{more}.")

    async def require_ready(self, document_ids: Sequence[str] | None) -> None:
        """Raises NothingReady if there is nothing yet that a question could be answered from."""
        await self._ready(document_ids)

    async def search(
        self,
        question: str,
        *,
        history: Sequence[str] = (),
        document_ids: Sequence[str] | None = None,
        limit: int = 5,
    ) -> list[Hit]:
        """
        The best passages for a question, best first; `document_ids` None means all documents.

        `history` are the earlier questions and answers of the conversation, oldest first.
        Raises EmptyQuery, EmptyScope, UnknownDocuments, NothingReady.
        """
        if not question.strip():
            raise EmptyQuery
        await self.require(document_ids)
        scope = await self._ready(document_ids)
        found = await self._indexes.search(question, history=history, document_ids=scope, limit=limit)
        hits = await self._hits(found)
        if scope is None and len(hits) < len(found):
            # Passages of documents that are no more took places, so only those that are ready are asked.
            ready = sorted((await self._records.ids_by_status()).get(Status.READY, set()))
            found = await self._indexes.search(question, history=history, document_ids=ready, limit=limit)
            hits = await self._hits(found)
        return hits

    async def _hits(self, found: Sequence[Found]) -> list[Hit]:
        documents = await self._records.by_ids({one.document_id for one in found})
        return [_hit(one, documents[one.document_id]) for one in found if one.document_id in documents]

    async def progress(self) -> SyncProgress:
        """How far the library is with what it knows of."""
        counts = {status.value: len(ids) for status, ids in (await self._records.ids_by_status()).items()}
        working = any(counts.get(status) for status in (Status.QUEUED, Status.READING, Status.EMBEDDING))
        building = await self._indexes.building()
        return SyncProgress(
            complete=self._folder.complete and not working and not self._indexes.outdated,
            files_left=self._folder.left,
            documents=counts,
            reindexing=None if building is None else {one.value: count for one, count in building.items()},
            problem=await self._problem(),
        )

    async def _problem(self) -> str | None:
        outdated = IndexOutdated().message if self._indexes.outdated else None
        told = self._work.problem or outdated or self._indexes.problem or self._folder.problem
        return told or await self._full()

    async def _full(self) -> str | None:
        return DiskFull().message if await self._originals.full() else None

    async def _ready(self, chosen: Sequence[str] | None) -> list[str] | None:
        if chosen is None and await self._records.all_ready():
            # The usual case, asked for with each question: no need to look at every document.
            return None
        states = await self._records.ids_by_status()
        ready = states.get(Status.READY, set())
        scope = sorted(ready if chosen is None else ready & set(chosen))
        if scope:
            return scope
        if not states:
            raise NothingReady(f"The library is empty. {ADD_SOME}")
        if chosen is None:
            raise NothingReady
        failed = states.get(Status.FAILED, set())
        if set(chosen) <= failed:
            raise NothingReady(
                "None of the chosen documents could be read. See GET /documents for the reasons."
            )
        raise NothingReady(
            "None of the chosen documents is ready yet. See GET /documents for how far they are."
        )

    async def list(
        self, *, limit: int = 100, before: str | None = None, only: Sequence[str] | None = None
    ) -> list[Document]:
        """Documents, newest first; `before` is the id of the last one seen."""
        if before is not None:
            await self.get(before)
        return await self._records.list(limit=limit, before=before, only=only)


def _hit(passage: Found, document: Document) -> Hit:
    return Hit(**asdict(passage), file=document.file, title=document.title)
