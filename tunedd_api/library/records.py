"""Documents and their indexings in SQL."""

import json
import sqlite3
import zlib
from array import array
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import PurePath

from tunedd_api.backends.database import Database
from tunedd_api.library.model import Document, Page, Reading, Status, document_id_of


class SqlDocumentRecords:
    """
    Fulfils `DocumentRecords` for one index stamp.

    A document's id derives from its content, so that what is done twice writes over itself.
    """

    def __init__(self, database: Database, stamp: str) -> None:
        self._database = database
        self._sql = database.queries(__package__)
        self._stamp = stamp

    async def add(self, *, sha256: str, file: str, revive: bool, sample: bool = False) -> Document | None:
        id, now = document_id_of(sha256), _now()
        title = PurePath(file).stem
        async with self._database.write() as connection:
            await self._sql.add_document(
                connection, id=id, sha256=sha256, file=file, title=title, sample=sample, created_at=now
            )
            if revive:
                await self._sql.revive_document(connection, id=id, file=file, title=title, created_at=now)
            if await self._sql.document_exists(connection, id=id):
                await self._sql.queue_indexing(connection, document_id=id, stamp=self._stamp, updated_at=now)
        return await self.get(id)

    async def get(self, document_id: str) -> Document | None:
        async with self._database.read() as connection:
            row = await self._sql.get_document(connection, id=document_id, stamp=self._stamp)
        return _document(row) if row else None

    async def sha256(self, document_id: str) -> str | None:
        async with self._database.read() as connection:
            digest: str | None = await self._sql.sha256_of(connection, id=document_id)
        return digest

    async def by_ids(self, ids: Collection[str]) -> dict[str, Document]:
        async with self._database.read() as connection:
            rows = self._sql.documents_by_ids(connection, ids=json.dumps(sorted(ids)), stamp=self._stamp)
            return {row["id"]: _document(row) async for row in rows}

    async def ids_by_status(self) -> dict[Status, set[str]]:
        found: dict[Status, set[str]] = {}
        async with self._database.read() as connection:
            async for row in self._sql.document_states(connection, stamp=self._stamp):
                found.setdefault(_status(row), set()).add(row["id"])
        return found

    async def samples(self) -> set[str]:
        async with self._database.read() as connection:
            return {row["id"] async for row in self._sql.sample_documents(connection)}

    async def is_deleted(self, document_id: str) -> bool:
        async with self._database.read() as connection:
            return bool(await self._sql.is_deleted(connection, id=document_id))

    async def remove(self, document_id: str) -> None:
        async with self._database.write() as connection:
            await self._sql.delete_document(connection, id=document_id, deleted_at=_now())
            await self._sql.delete_pages(connection, document_id=document_id)
            await self._sql.delete_indexings(connection, document_id=document_id)

    async def uncleared(self) -> dict[str, str]:
        async with self._database.read() as connection:
            return {row["id"]: row["sha256"] async for row in self._sql.uncleared_documents(connection)}

    async def set_cleared(self, document_id: str, *, forget: bool) -> None:
        async with self._database.write() as connection:
            if forget:
                await self._sql.forget_document(connection, id=document_id)
            else:
                await self._sql.mark_cleared(connection, id=document_id, cleared_at=_now())

    async def queue_unindexed(self) -> int:
        async with self._database.write() as connection:
            queued: int = await self._sql.queue_unindexed(connection, stamp=self._stamp, updated_at=_now())
        return queued

    async def requeue_interrupted(self) -> int:
        async with self._database.write() as connection:
            count: int = await self._sql.requeue_interrupted(connection, stamp=self._stamp, updated_at=_now())
        return count

    async def queue_again(self, document_id: str) -> None:
        await self._change(document_id, Status.QUEUED)

    async def claim(self) -> Document | None:
        async with self._database.write() as connection:
            claimed = await self._sql.claim_indexing(connection, stamp=self._stamp, updated_at=_now())
            if claimed is None:
                return None
            # In the same transaction: a deletion in between would look like an empty queue.
            row = await self._sql.get_document(connection, id=claimed["document_id"], stamp=self._stamp)
        return _document(row)

    async def set_reading(self, document_id: str, reading: Reading) -> bool:
        async with self._database.write() as connection:
            kept: int = await self._sql.set_metadata(
                connection,
                id=document_id,
                title=reading.title,
                authors=json.dumps(reading.authors),
                year=reading.year,
                arxiv_id=reading.arxiv_id,
                pages=len(reading.pages),
            )
            if kept:
                await self._sql.delete_pages(connection, document_id=document_id)
                await self._sql.add_pages(
                    connection, [_page_row(document_id, page) for page in reading.pages]
                )
                await self._set_state(connection, document_id, Status.EMBEDDING)
        return kept > 0

    async def set_progress(self, document_id: str, passages: int) -> None:
        await self._change(document_id, Status.EMBEDDING, passages)

    async def set_ready(self, document_id: str, passages: int) -> None:
        await self._change(document_id, Status.READY, passages)

    async def set_failed(self, document_id: str, reason: str) -> None:
        await self._change(document_id, Status.FAILED, error=reason)

    async def _change(
        self, document_id: str, status: Status, passages: int = 0, error: str | None = None
    ) -> None:
        async with self._database.write() as connection:
            await self._set_state(connection, document_id, status, passages, error)

    async def _set_state(
        self,
        connection: object,
        document_id: str,
        status: Status,
        passages: int = 0,
        error: str | None = None,
    ) -> None:
        await self._sql.set_state(
            connection,
            document_id=document_id,
            stamp=self._stamp,
            state=status,
            passages=passages,
            error=error,
            updated_at=_now(),
        )

    async def list(self, *, limit: int, before: str | None, only: Collection[str] | None) -> list[Document]:
        ids = None if only is None else json.dumps(sorted(only))
        async with self._database.read() as connection:
            rows = self._sql.list_documents(
                connection, stamp=self._stamp, before=before, only=ids, limit=limit
            )
            return [_document(row) async for row in rows]


def _document(row: sqlite3.Row) -> Document:
    return Document(
        id=row["id"],
        file=row["file"],
        title=row["title"],
        authors=tuple(json.loads(row["authors"])),
        year=row["year"],
        arxiv_id=row["arxiv_id"],
        status=_status(row),
        pages=row["pages"],
        passages=row["passages"] or 0,
        error=row["error"],
        created_at=datetime.fromisoformat(row["created_at"]),
    )


def _status(row: sqlite3.Row) -> Status:
    # A document without an indexing under the present stamp is about to be queued.
    return Status(row["state"] or Status.QUEUED)


def _page_row(document_id: str, page: Page) -> dict[str, object]:
    positions = zlib.compress(array("I", page.positions).tobytes())
    return {"document_id": document_id, "number": page.number, "text": page.text, "positions": positions}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
