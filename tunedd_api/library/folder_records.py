"""What was found in the papers folder, in SQL."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tunedd_api.backends.database import Database


@dataclass(frozen=True, kw_only=True)
class KnownFile:
    """A file of the papers folder as it was when its content was last looked at."""

    state: str
    """Its size and times."""
    document_id: str | None
    """None for what is no PDF."""
    replaces: str | None = None
    """The document that this file was before it changed, while the new one is not ready."""


class SqlFolderRecords:
    """Files by their path, which need not be text."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = database.queries(__package__)

    async def all(self) -> Mapping[Path, KnownFile]:
        async with self._database.read() as connection:
            return {
                Path(os.fsdecode(row["path"])): KnownFile(
                    state=row["state"], document_id=row["document_id"], replaces=row["replaces"]
                )
                async for row in self._sql.known_files(connection)
            }

    async def note(self, path: Path, file: KnownFile) -> None:
        async with self._database.write() as connection:
            await self._sql.note_file(
                connection,
                path=os.fsencode(path),
                state=file.state,
                document_id=file.document_id,
                replaces=file.replaces,
            )

    async def forget(self, path: Path) -> None:
        async with self._database.write() as connection:
            await self._sql.forget_file(connection, path=os.fsencode(path))
