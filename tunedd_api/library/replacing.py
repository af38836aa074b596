"""What becomes of the document of a file that has changed."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path

import structlog

from tunedd_api.library.folder_records import KnownFile, SqlFolderRecords
from tunedd_api.library.intake import Intake
from tunedd_api.library.model import Status
from tunedd_api.library.ports import DocumentRecords

log = structlog.get_logger(__name__)

Replaced = Callable[[str, str], Awaitable[None]]
"""Told of the document that a file was and the one that it is now."""


class Replacing:
    """
    The old document serves until the new one is ready; those in between, which never were, go at once.

    A document that somebody asked for stays, whatever becomes of the file.
    """

    def __init__(
        self, *, intake: Intake, documents: DocumentRecords, files: SqlFolderRecords, replaced: Replaced
    ) -> None:
        self._intake = intake
        self._documents = documents
        self._files = files
        self._replaced = replaced

    async def replaced_by(self, new: str | None, before: KnownFile) -> str | None:
        """The document that the file's new one is to replace: the last that became ready."""
        document = await self._documents.get(before.document_id or "")
        serving = document.id if document and document.status is Status.READY else before.replaces
        return serving if serving != new else None

    async def drop_between(self, before: KnownFile, files: Mapping[Path, KnownFile]) -> None:
        """Removes what the file was before this change, if it neither answers nor is any other file."""
        held = {id for file in files.values() for id in (file.document_id, file.replaces)}
        old, new = before.replaces, before.document_id
        if old and new and old not in held and new in held:
            # The new one became ready, and the file changed again before that was seen.
            await self._replaced(old, new)
        for id in {old, new} - held:
            await self._remove(id)

    async def finish(self, files: Mapping[Path, KnownFile]) -> None:
        """Removes the old documents of the files whose new one is ready, or was removed."""
        held = {file.document_id for file in files.values()}
        for path, file in files.items():
            if file.replaces is None or file.document_id is None:
                continue
            new = await self._documents.get(file.document_id)
            if new and new.status is not Status.READY:
                continue
            if new:
                await self._replaced(file.replaces, new.id)
            if file.replaces not in held and await self._remove(file.replaces):
                log.info("document.replaced", document=file.replaces, by=file.document_id)
            await self._files.note(path, replace(file, replaces=None))

    async def _remove(self, document_id: str | None) -> bool:
        """Whether it was there, and nobody had asked for it."""
        if document_id is None or await self._documents.is_requested(document_id):
            return False
        if await self._documents.get(document_id) is None:
            return False
        await self._intake.remove(document_id, forget=True)
        return True
