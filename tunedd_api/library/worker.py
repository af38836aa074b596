"""Claims indexings and carries them out, two at a time: one is read while the other is embedded."""

import asyncio
import time
from functools import partial

import anyio
import structlog
from anyio import to_thread

from tunedd_api.errors import INTERNAL, SetupError, Unavailable, Unreadable, leaves
from tunedd_api.library.claims import Claims
from tunedd_api.library.cutting.passages import cut
from tunedd_api.library.indexes import Index, Indexes
from tunedd_api.library.model import Claim, ClaimLost, FileLost, NoText
from tunedd_api.library.originals import Originals
from tunedd_api.library.ports import DocumentRecords, IndexingQueue
from tunedd_api.library.reading.reader import Reader
from tunedd_api.library.reading.wire import READER
from tunedd_api.measures import UNMEASURED, IndexingStage, Measures

log = structlog.get_logger(__name__)

PAUSE_AFTER_FAILURE = 5.0
"""Seconds before a store or an embedder that failed is tried again."""
LOOK_AGAIN = 15.0
"""Seconds after which an idle worker looks by itself: nobody tells it when the lease of a claim ends which
could not be given back, as on a full disk."""
AT_A_TIME = 2
"""Documents under way. The embedder never waits for the reader, a short paper is not held up by a thick one
(their batches take turns), and no more than two are in memory."""


class Indexer:
    """Reads, cuts, embeds and stores what is queued. `run` works until cancelled; `wake` brings it work."""

    def __init__(
        self,
        *,
        records: DocumentRecords,
        queue: IndexingQueue,
        originals: Originals,
        reader: Reader,
        indexes: Indexes,
        measures: Measures = UNMEASURED,
    ) -> None:
        self.problem: str | None = None
        self._records = records
        self._queue = queue
        self._originals = originals
        self._reader = reader
        self._indexes = indexes
        self._measures = measures
        self._claims = Claims(queue)
        self._news = asyncio.Event()
        self._switching = asyncio.Lock()

    def wake(self) -> None:
        """There is something to do, or something under way was cancelled."""
        self._news.set()
        self._claims.look()

    async def run(self) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._claims.keep)
            while True:
                try:
                    async with anyio.create_task_group() as workers:
                        for _ in range(AT_A_TIME):
                            workers.start_soon(self._work)
                except* (Unavailable, SetupError) as group:
                    self._pause(str(next(leaves(group))))
                    log.warning("indexing.paused", reason=self.problem, seconds=PAUSE_AFTER_FAILURE)
                    await anyio.sleep(PAUSE_AFTER_FAILURE)

    async def _work(self) -> None:
        """Until cancelled. Raises what stores and embedders raise."""
        while True:
            # Cleared before the look, so that a call of `wake` during it is not lost.
            self._news.clear()
            # What is outdated is not added to: its vectors would be those of another model.
            indexes = {index.row.stamp: index for index in self._indexes if index.search is not None}
            if claim := await self._queue.claim(indexes):
                await self._take_on(claim, indexes[claim.stamp])
                continue
            self._pause(None)
            async with self._switching:
                await self._indexes.switch_when_complete()
            with anyio.move_on_after(LOOK_AGAIN):
                await self._news.wait()

    def _pause(self, problem: str | None) -> None:
        """None: it goes on."""
        self.problem = problem
        self._measures.indexing_paused(problem is not None)

    async def _take_on(self, claim: Claim, index: Index) -> None:
        async with self._claims.held(claim):
            await self._carry_out(claim, index)
        if await self._records.get(claim.document.id) is None:
            # Removed while it was being indexed: what was written meanwhile goes too.
            await self._indexes.remove(claim.document.id)

    async def _carry_out(self, claim: Claim, index: Index) -> None:
        document = claim.document
        started = time.monotonic()
        try:
            with self._measures.indexing(document.id):
                passages = await self._index(claim, index)
        except ClaimLost:
            log.info("indexing.cancelled", document=document.id)
        except Unreadable as error:
            log.warning("document.failed", document=document.id, file=document.file, reason=error.message)
            await self._fail(claim, error.message, type(error).__name__, reader=READER)
        except FileNotFoundError:
            log.warning("document.failed", document=document.id, file=document.file, reason="file lost")
            await self._fail(claim, FileLost().message, FileLost.__name__)
        except (Unavailable, SetupError):
            raise
        except Exception:
            # A bug that one document meets must not keep the others from being indexed.
            log.exception("document.failed", document=document.id, file=document.file)
            await self._fail(claim, INTERNAL, "InternalError")
        else:
            self._pause(None)
            self._measures.document_ended("")
            seconds = round(time.monotonic() - started, 2)
            log.info("document.indexed", document=document.id, passages=passages, seconds=seconds)

    async def _fail(self, claim: Claim, reason: str, error: str, *, reader: int | None = None) -> None:
        self._measures.document_ended(error)
        self._claims.let_go(claim)
        try:
            await self._queue.set_failed(claim, reason, reader=reader)
        except ClaimLost:
            log.info("indexing.cancelled", document=claim.document.id)

    async def _index(self, claim: Claim, index: Index) -> int:
        """How many passages are stored. Raises ClaimLost, and what reader, embedder and store raise."""
        document = claim.document
        sha256 = await self._records.sha256(document.id)
        with self._measures.stage(IndexingStage.READING):
            reading = await self._reader.read(self._originals.path(sha256 or ""))
        title = document.title if claim.described else reading.title or document.title
        with self._measures.stage(IndexingStage.CUTTING):
            passages = await to_thread.run_sync(partial(cut, reading.pages, index.embedding, title=title))
        if not passages:
            raise NoText
        await self._queue.set_reading(claim, reading, len(passages))
        del reading
        with self._measures.stage(IndexingStage.EMBEDDING):
            stored = await index.indexing.index(
                document.id,
                title,
                passages,
                claim.stamp,
                progress=partial(self._queue.set_progress, claim),
            )
        self._claims.let_go(claim)
        await self._queue.set_ready(claim, stored)
        return stored
