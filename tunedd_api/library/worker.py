"""Claims queued indexings, one after the other, and carries them out."""

import asyncio
import time
from functools import partial

import anyio
import structlog
from anyio import to_thread

from tunedd_api.errors import INTERNAL, SetupError, Unavailable, Unreadable
from tunedd_api.library.cutting.passages import cut
from tunedd_api.library.indexing import Indexing
from tunedd_api.library.model import Document, Embedding, NoText, Status
from tunedd_api.library.originals import Originals
from tunedd_api.library.ports import DocumentRecords
from tunedd_api.library.reading.reader import Reader

log = structlog.get_logger(__name__)

PAUSE_AFTER_FAILURE = 5.0
"""Seconds before a store or an embedder that failed is tried again."""


class Indexer:
    """Reads, cuts, embeds and stores what is queued. `run` works until cancelled; `wake` brings it work."""

    def __init__(
        self,
        *,
        records: DocumentRecords,
        originals: Originals,
        reader: Reader,
        indexing: Indexing,
        embedding: Embedding,
        stamp: str,
    ) -> None:
        self._records = records
        self._originals = originals
        self._reader = reader
        self._indexing = indexing
        self._embedding = embedding
        self._stamp = stamp
        self._work = asyncio.Event()

    def wake(self) -> None:
        self._work.set()

    async def run(self) -> None:
        while True:
            # Cleared before the look, so that a call of `wake` during it is not lost.
            self._work.clear()
            try:
                await self._records.requeue_interrupted()
                while document := await self._records.claim():
                    await self._carry_out(document)
            except (Unavailable, SetupError) as error:
                log.warning("indexing.paused", reason=error.message, seconds=PAUSE_AFTER_FAILURE)
                await anyio.sleep(PAUSE_AFTER_FAILURE)
            else:
                await self._work.wait()

    async def recover(self) -> None:
        """Queues documents whose passages are gone: an index may be thrown away, or another one chosen."""
        ready = (await self._records.ids_by_status()).get(Status.READY, set())
        for document in (await self._records.by_ids(ready)).values():
            stored = await self._indexing.count(document.id, self._stamp)
            if stored != document.passages:
                log.warning("document.lost", document=document.id, stored=stored, expected=document.passages)
                await self._records.queue_again(document.id)

    async def _carry_out(self, document: Document) -> None:
        started = time.monotonic()
        try:
            passages = await self._index(document)
        except Unreadable as error:
            log.warning("document.failed", document=document.id, file=document.file, reason=error.message)
            await self._records.set_failed(document.id, error.message)
        except (Unavailable, SetupError):
            raise
        except Exception:
            # A bug that one document meets must not keep the others from being indexed.
            log.exception("document.failed", document=document.id, file=document.file)
            await self._records.set_failed(document.id, INTERNAL)
        else:
            if passages is None:
                return
            seconds = round(time.monotonic() - started, 2)
            log.info("document.indexed", document=document.id, passages=passages, seconds=seconds)

    async def _index(self, document: Document) -> int | None:
        """How many passages are stored; None if the document was deleted meanwhile."""
        sha256 = await self._records.sha256(document.id)
        reading = await self._reader.read(self._originals.path(sha256 or ""))
        title = reading.title or document.title
        passages = await to_thread.run_sync(partial(cut, reading.pages, self._embedding, title=title))
        if not passages:
            raise NoText
        if not await self._records.set_reading(document.id, reading):
            return None
        stored = await self._indexing.index(
            document.id,
            title,
            passages,
            self._stamp,
            progress=partial(self._records.set_progress, document.id),
        )
        await self._records.set_ready(document.id, stored)
        if await self._records.get(document.id) is None:
            # Deleted while it was being indexed: what was written meanwhile goes too.
            await self._indexing.remove(document.id)
            return None
        return stored
