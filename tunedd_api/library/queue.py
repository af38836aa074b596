"""The indexings in SQL: who works on which, how far it is, how it ended."""

import json
import time
import uuid
from collections.abc import Callable, Collection
from contextlib import suppress

from tunedd_api.backends.database import Database
from tunedd_api.library.model import Claim, ClaimLost, Reading, Status
from tunedd_api.library.records import document_of, keep_reading, now

LEASE = 60.0
"""Seconds that a claim lasts unless it is renewed: after so long a worker that died is not waited for."""
MOST_ATTEMPTS = 5
"""An indexing that was begun so often, and never stored a passage, fails: its file may be what kills us."""
BROKE_OFF = (
    f"Indexing was broken off {MOST_ATTEMPTS} times before anything of it was stored, each time together "
    "with the service. The log may say why; POST /documents/ID/retry tries again."
)


class SqlIndexingQueue:
    """Fulfils `IndexingQueue`. Each change of a claimed indexing counts only while its claim does."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        """`clock` tells seconds since 1970; it may jump."""
        self._database = database
        self._sql = database.queries(__package__)
        self._clock = clock

    async def queue_unindexed(self) -> int:
        async with self._database.write() as connection:
            queued: int = await self._sql.queue_unindexed(connection, updated_at=now())
        return queued

    async def requeue_interrupted(self) -> int:
        async with self._database.write() as connection:
            count: int = await self._sql.requeue_interrupted(connection, updated_at=now())
        return count

    async def retry_outdated(self, reader: int) -> int:
        async with self._database.write() as connection:
            count: int = await self._sql.retry_outdated(connection, reader=reader, updated_at=now())
        return count

    async def queue_again(self, document_id: str, stamp: str) -> None:
        async with self._database.write() as connection:
            await self._sql.queue_again(connection, document_id=document_id, stamp=stamp, updated_at=now())

    async def retry(self, document_id: str) -> bool:
        async with self._database.write() as connection:
            changed: int = await self._sql.retry_indexing(
                connection, document_id=document_id, updated_at=now()
            )
        return changed > 0

    async def cancel(self, document_id: str, reason: str) -> bool:
        async with self._database.write() as connection:
            changed: int = await self._sql.cancel_indexing(
                connection, document_id=document_id, reason=reason, updated_at=now()
            )
        return changed > 0

    async def claim(self, stamps: Collection[str]) -> Claim | None:
        token, moment = uuid.uuid4().hex, self._clock()
        until = moment + LEASE
        async with self._database.write() as connection:
            claimed = await self._sql.claim_indexing(
                connection,
                stamps=json.dumps(sorted(stamps)),
                token=token,
                now=moment,
                until=until,
                longest=until,
                updated_at=now(),
            )
            if claimed is None:
                return None
            # In the same transaction: a deletion in between would look like an empty queue.
            row = await self._sql.get_document(connection, id=claimed["document_id"])
        claim = Claim(
            token=token,
            document=document_of(row),
            stamp=claimed["stamp"],
            described=bool(row["described"]),
        )
        if claimed["attempts"] > MOST_ATTEMPTS:
            with suppress(ClaimLost):
                await self.set_failed(claim, BROKE_OFF, reader=None)
            return await self.claim(stamps)
        return claim

    async def waiting(self, stamps: Collection[str]) -> int:
        moment = self._clock()
        async with self._database.read() as connection:
            count: int = await self._sql.count_waiting(
                connection, stamps=json.dumps(sorted(stamps)), now=moment, longest=moment + LEASE
            )
        return count

    async def held(self, tokens: Collection[str]) -> set[str]:
        async with self._database.read() as connection:
            rows = self._sql.held_claims(connection, tokens=json.dumps(sorted(tokens)))
            return {row["claim"] async for row in rows}

    async def renew(self, tokens: Collection[str]) -> None:
        moment = self._clock()
        async with self._database.write() as connection:
            await self._sql.renew_claims(
                connection, tokens=json.dumps(sorted(tokens)), now=moment, until=moment + LEASE
            )

    async def release(self, claim: Claim) -> None:
        async with self._database.write() as connection:
            await self._sql.release_claim(connection, token=claim.token, updated_at=now())

    async def set_reading(self, claim: Claim, reading: Reading, total: int) -> None:
        async with self._database.write() as connection:
            # The document before its indexing, as all do who change both: else they wait for each other.
            id, pages = claim.document.id, len(reading.pages)
            _require(await self._sql.set_pages(connection, id=id, pages=pages))
            _require(
                await self._sql.begin_embedding(connection, token=claim.token, total=total, updated_at=now())
            )
            await keep_reading(self._sql, connection, claim.document.id, reading)

    async def set_progress(self, claim: Claim, passages: int) -> None:
        async with self._database.write() as connection:
            _require(
                await self._sql.set_progress(
                    connection, token=claim.token, passages=passages, updated_at=now()
                )
            )

    async def set_ready(self, claim: Claim, passages: int) -> None:
        await self._end(claim, Status.READY, passages)

    async def set_failed(self, claim: Claim, reason: str, *, reader: int | None) -> None:
        await self._end(claim, Status.FAILED, error=reason, reader=reader)

    async def _end(
        self,
        claim: Claim,
        status: Status,
        passages: int = 0,
        error: str | None = None,
        reader: int | None = None,
    ) -> None:
        async with self._database.write() as connection:
            _require(
                await self._sql.end_indexing(
                    connection,
                    token=claim.token,
                    state=status,
                    passages=passages,
                    error=error,
                    reader=reader,
                    updated_at=now(),
                )
            )


def _require(changed: int) -> None:
    if not changed:
        raise ClaimLost
