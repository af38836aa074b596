"""The library as its users see it: add, look at, remove and search documents."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import structlog
from anyio import to_thread

from tunedd_api.library.folder import find_pdfs, looks_like_pdf, printable
from tunedd_api.library.model import (
    Document,
    DocumentNotFound,
    EmptyQuery,
    EmptyScope,
    FileLost,
    Found,
    Hit,
    NotAPdf,
    NothingReady,
    Status,
    SyncProgress,
    UnknownDocuments,
    document_id_of,
)
from tunedd_api.library.originals import Originals
from tunedd_api.library.ports import DocumentRecords, PassageRemoval, PassageSearch

log = structlog.get_logger(__name__)

ADD_SOME = "Put PDFs into the papers folder and start again, or send one to POST /documents."
NAMED = 10
"""Most unknown documents that a refusal names."""


class Library:
    """All documents. Everything that was added is indexed in the background by an `Indexer`."""

    def __init__(
        self,
        *,
        records: DocumentRecords,
        originals: Originals,
        search: PassageSearch,
        removal: PassageRemoval,
        wake_indexer: Callable[[], None],
    ) -> None:
        self._records = records
        self._originals = originals
        self._search = search
        self._removal = removal
        self._wake_indexer = wake_indexer
        self._synced = False
        self._changing = asyncio.Lock()

    async def add(self, file: Path, *, name: str | None = None) -> Document:
        """
        Takes a PDF in and queues it; the same content twice is the same document, tried again if it failed.

        Raises NotAPdf, DiskFull, StoreUnavailable.
        """
        document = await self._take_in(file, name=name or file.name, revive=True)
        if document is None:  # pragma: no cover - only a deletion in this very moment
            raise DocumentNotFound
        return document

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
        async with self._changing:
            await self._remove(document.id, forget=False)
        log.info("document.removed", document=document.id)

    async def recover(self) -> None:
        """Finishes the removals that a stopped process left half done."""
        for id, sha256 in (await self._records.uncleared()).items():
            await self._clear(id, sha256, forget=False)

    async def _remove(self, document_id: str, *, forget: bool) -> None:
        sha256 = await self._records.sha256(document_id)
        # The record first: from then on nothing answers from it, and what is left to do is known.
        await self._records.remove(document_id)
        await self._clear(document_id, sha256 or "", forget=forget)

    async def _clear(self, document_id: str, sha256: str, *, forget: bool) -> None:
        await self._removal.remove(document_id)
        await self._originals.remove(sha256)
        await self._records.set_cleared(document_id, forget=forget)

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
        found = await self._search.search(question, history=history, document_ids=scope, limit=limit)
        hits = await self._hits(found)
        if scope is None and len(hits) < len(found):
            # Passages of documents that are no more took places, so only those that are ready are asked.
            ready = sorted((await self._records.ids_by_status()).get(Status.READY, set()))
            found = await self._search.search(question, history=history, document_ids=ready, limit=limit)
            hits = await self._hits(found)
        return hits

    async def _hits(self, found: Sequence[Found]) -> list[Hit]:
        documents = await self._records.by_ids({one.document_id for one in found})
        return [_hit(one, documents[one.document_id]) for one in found if one.document_id in documents]

    async def sync(self, folder: Path) -> None:
        """Takes in every PDF of the folder and its subfolders that is not in the library yet."""
        papers, samples = await to_thread.run_sync(find_pdfs, folder)
        for file in papers:
            await self._take_in_quietly(file)
        await self._sync_samples(samples)
        queued = await self._records.queue_unindexed()
        self._synced = True
        self._wake_indexer()
        log.info("folder.synced", files=len(papers), reindexed=queued)

    async def progress(self) -> SyncProgress:
        """How far the library is with what it knows of."""
        counts = {status.value: len(ids) for status, ids in (await self._records.ids_by_status()).items()}
        working = any(counts.get(status) for status in (Status.QUEUED, Status.READING, Status.EMBEDDING))
        return SyncProgress(complete=self._synced and not working, documents=counts)

    async def _ready(self, chosen: Sequence[str] | None) -> list[str] | None:
        states = await self._records.ids_by_status()
        ready = states.get(Status.READY, set())
        if chosen is None and ready and len(states) == 1:
            return None
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

    async def _take_in(self, file: Path, *, name: str, revive: bool, sample: bool = False) -> Document | None:
        if not await to_thread.run_sync(looks_like_pdf, file):
            raise NotAPdf(f"{printable(name)} is not a PDF: it has no %PDF- within its first 1,024 bytes.")
        sha256 = await self._originals.digest(file)
        # A removal of the same content at the same time would take the file from under the new record.
        async with self._changing:
            return await self._keep(file, sha256, printable(name), revive=revive, sample=sample)

    async def _keep(
        self, file: Path, sha256: str, name: str, *, revive: bool, sample: bool
    ) -> Document | None:
        known = await self._records.get(document_id_of(sha256))
        if known and self._originals.path(sha256).exists():
            return await self._tried_again(known) if revive else known
        if not revive and await self._records.is_deleted(document_id_of(sha256)):
            return None
        # Its own digest counts: the file may have grown since.
        sha256 = await self._originals.keep(file)
        document = await self._records.add(sha256=sha256, file=name, revive=revive, sample=sample)
        self._wake_indexer()
        return await self._tried_again(document) if document else None

    async def _tried_again(self, document: Document) -> Document:
        if document.status is not Status.FAILED:
            return document
        await self._records.queue_again(document.id)
        self._wake_indexer()
        return await self.get(document.id)

    async def _take_in_quietly(self, file: Path, *, sample: bool = False) -> None:
        """One bad file of a folder is told of and leaves the others alone."""
        try:
            await self._take_in(file, name=file.name, revive=False, sample=sample)
        except (NotAPdf, OSError) as error:
            log.warning("folder.skipped", file=printable(file.name), reason=str(error))

    async def _sync_samples(self, samples: Sequence[Path]) -> None:
        """They are there so that a first start has something to read; real papers replace them."""
        present = set().union(*(await self._records.ids_by_status()).values())
        added = await self._records.samples()
        if present - added:
            for id in added:
                async with self._changing:
                    await self._remove(id, forget=True)
        else:
            for sample in samples:
                await self._take_in_quietly(sample, sample=True)

    async def list(
        self, *, limit: int = 100, before: str | None = None, only: Sequence[str] | None = None
    ) -> list[Document]:
        """Documents, newest first; `before` is the id of the last one seen."""
        if before is not None:
            await self.get(before)
        return await self._records.list(limit=limit, before=before, only=only)


def _hit(passage: Found, document: Document) -> Hit:
    return Hit(**asdict(passage), file=document.file, title=document.title)
