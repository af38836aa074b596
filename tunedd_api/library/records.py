"""Documents in SQL."""

import json
import zlib
from array import array
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from tunedd_api.backends.database import Database, Row
from tunedd_api.library.model import Description, Document, Page, Reading, Removal, Status, document_id_of


class SqlDocumentRecords:
    """
    Fulfils `DocumentRecords`. What it tells of a document's indexing is that in the index that serves.

    A document's id derives from its content, so that what is done twice writes over itself.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = database.queries(__package__)

    async def add(
        self,
        *,
        sha256: str,
        file: str,
        revive: bool,
        sample: bool = False,
        description: Description | None = None,
    ) -> Document | None:
        id, moment = document_id_of(sha256), now()
        title = PurePath(file).stem
        async with self._database.write() as connection:
            await self._sql.add_document(
                connection, id=id, sha256=sha256, file=file, title=title, sample=sample, created_at=moment
            )
            if revive:
                await self._sql.revive_document(connection, id=id, file=file, title=title, created_at=moment)
                await self._sql.note_request(connection, id=id)
            if not sample:
                await self._sql.adopt_document(connection, id=id, file=file)
            if description is not None:
                await self._describe(connection, id, description)
            if await self._sql.document_exists(connection, id=id):
                await self._sql.queue_indexing(connection, document_id=id, updated_at=moment)
        return await self.get(id)

    async def get(self, document_id: str) -> Document | None:
        async with self._database.read() as connection:
            row = await self._sql.get_document(connection, id=document_id)
        return document_of(row) if row else None

    async def ahead(self, document_id: str) -> int:
        async with self._database.read() as connection:
            count: int = await self._sql.count_ahead(connection, id=document_id)
        return count

    async def sha256(self, document_id: str) -> str | None:
        async with self._database.read() as connection:
            digest: str | None = await self._sql.sha256_of(connection, id=document_id)
        return digest

    async def removed_sha256(self) -> set[str]:
        async with self._database.read() as connection:
            return {row["sha256"] async for row in self._sql.removed_sha256(connection)}

    async def is_requested(self, document_id: str) -> bool:
        async with self._database.read() as connection:
            return bool(await self._sql.is_requested(connection, id=document_id))

    async def by_ids(self, ids: Collection[str]) -> dict[str, Document]:
        # Whoever asks may send anything; not every database takes every character.
        possible = sorted(id for id in ids if id.isascii() and id.isprintable())
        async with self._database.read() as connection:
            rows = self._sql.documents_by_ids(connection, ids=json.dumps(possible))
            return {row["id"]: document_of(row) async for row in rows}

    async def of_arxiv(self, arxiv_id: str) -> Document | None:
        async with self._database.read() as connection:
            row = await self._sql.document_of_arxiv(connection, arxiv_id=arxiv_id)
        return document_of(row) if row else None

    async def describe(self, document_id: str, description: Description) -> None:
        async with self._database.write() as connection:
            await self._describe(connection, document_id, description)

    async def _describe(self, connection: object, document_id: str, description: Description) -> None:
        await self._sql.describe_document(
            connection,
            id=document_id,
            title=description.title,
            authors=json.dumps(description.authors),
            year=description.year,
            arxiv_id=description.arxiv_id,
            categories=json.dumps(description.categories),
        )

    async def all_ready(self) -> bool:
        async with self._database.read() as connection:
            row = await self._sql.count_unready(connection)
        return bool(row["documents"] and not row["unready"])

    async def ids_by_status(self) -> dict[Status, set[str]]:
        found: dict[Status, set[str]] = {}
        async with self._database.read() as connection:
            async for row in self._sql.document_states(connection):
                found.setdefault(_status(row), set()).add(row["id"])
        return found

    async def samples(self) -> set[str]:
        async with self._database.read() as connection:
            return {row["id"] async for row in self._sql.sample_documents(connection)}

    async def is_deleted(self, document_id: str) -> bool:
        async with self._database.read() as connection:
            return bool(await self._sql.is_deleted(connection, id=document_id))

    async def remove(self, document_id: str, *, forget: bool = False) -> None:
        async with self._database.write() as connection:
            await self._sql.delete_document(connection, id=document_id, deleted_at=now(), forgotten=forget)
            await self._sql.delete_pages(connection, document_id=document_id)
            await self._sql.delete_indexings(connection, document_id=document_id)

    async def uncleared(self) -> list[Removal]:
        async with self._database.read() as connection:
            return [
                Removal(document_id=row["id"], sha256=row["sha256"], forget=bool(row["forgotten"]))
                async for row in self._sql.uncleared_documents(connection)
            ]

    async def set_cleared(self, document_id: str, *, forget: bool) -> None:
        async with self._database.write() as connection:
            if forget:
                await self._sql.forget_document(connection, id=document_id)
            else:
                await self._sql.mark_cleared(connection, id=document_id, cleared_at=now())

    async def list(self, *, limit: int, before: str | None, only: Collection[str] | None) -> list[Document]:
        ids = None if only is None else json.dumps(sorted(only))
        async with self._database.read() as connection:
            rows = self._sql.list_documents(connection, before=before, only=ids, limit=limit)
            return [document_of(row) async for row in rows]


async def keep_reading(sql: Any, connection: object, document_id: str, reading: Reading) -> None:
    """Within a transaction: what was read of a document, its pages and what its first page tells."""
    await sql.set_metadata(
        connection,
        id=document_id,
        title=reading.title,
        authors=json.dumps(reading.authors),
        year=reading.year,
        arxiv_id=reading.arxiv_id,
    )
    await sql.delete_pages(connection, document_id=document_id)
    await sql.add_pages(connection, [_page_row(document_id, page) for page in reading.pages])


def document_of(row: Row) -> Document:
    return Document(
        id=row["id"],
        file=row["file"],
        title=row["title"],
        authors=tuple(json.loads(row["authors"])),
        year=row["year"],
        arxiv_id=row["arxiv_id"],
        categories=tuple(json.loads(row["categories"])),
        status=_status(row),
        pages=row["pages"],
        passages=row["passages"] or 0,
        passages_total=row["total"],
        error=row["error"] or row["reindexing_error"],
        reindexing=Status(row["reindexing"]) if row["reindexing"] else None,
        created_at=datetime.fromisoformat(row["created_at"]),
    )


def _status(row: Row) -> Status:
    # A document without an indexing in the index that serves is about to be queued.
    return Status(row["state"] or Status.QUEUED)


def _page_row(document_id: str, page: Page) -> dict[str, object]:
    positions = zlib.compress(array("I", page.positions).tobytes())
    return {"document_id": document_id, "number": page.number, "text": page.text, "positions": positions}


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
