"""A small async interface to the SQL database: named queries, reads, and writes that are transactions."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import aiosql
import aiosqlite
import anyio
from anyio import to_thread

from tunedd_api.backends.sqlite.driver import failure, statements
from tunedd_api.errors import SetupError


class UnknownDatabase(SetupError):
    """TUNEDD_DATABASE_URL must be sqlite:FILE or memory:."""


class NewerSchema(SetupError):
    """The database was written by a newer version of this service. Run that version, or another home."""


@dataclass(frozen=True, kw_only=True)
class Database:
    """
    One SQLite database: a connection that writes, one transaction at a time, and one that reads beside it.

    In memory both are the same connection, so reads wait for writes there.
    """

    writer: aiosqlite.Connection
    reader: aiosqlite.Connection
    writing: asyncio.Lock
    reading: asyncio.Lock
    path: str

    def queries(self, package: str) -> Any:
        """The named queries of the `queries.sql` in a package, as functions of a connection."""
        return aiosql.from_str(files(package).joinpath("queries.sql").read_text("utf-8"), "aiosqlite")

    @asynccontextmanager
    async def read(self) -> AsyncIterator[aiosqlite.Connection]:
        async with self.reading:
            with _errors_explained(self.path):
                yield self.reader

    @asynccontextmanager
    async def write(self) -> AsyncIterator[aiosqlite.Connection]:
        """A transaction: all of it is stored when the block ends well, none of it otherwise."""
        async with self.writing:
            with _errors_explained(self.path):
                try:
                    await self._whole("BEGIN IMMEDIATE")
                    yield self.writer
                    await self._whole("COMMIT")
                except BaseException:
                    if self.writer.in_transaction:
                        await self._whole("ROLLBACK")
                    raise

    async def _whole(self, statement: str) -> None:
        """Carried out to its end even when cancelled, so that it is known what the next writer finds."""
        with anyio.CancelScope(shield=True):
            execution = asyncio.ensure_future(self._execute(statement))
            try:
                await asyncio.shield(execution)
            except asyncio.CancelledError:
                await asyncio.wait([execution])
                raise

    async def _execute(self, statement: str) -> None:
        await self.writer.execute(statement)


@asynccontextmanager
async def open_database(url: str, home: Path) -> AsyncIterator[Database]:
    """Opens `sqlite:FILE` (relative to home) or `memory:`, brought up to the newest schema."""
    scheme, _, name = url.partition(":")
    match scheme:
        case "memory":
            path = ":memory:"
        case "sqlite" if name:
            path = str(home / name)
        case _:
            raise UnknownDatabase(f"TUNEDD_DATABASE_URL is {url!r}; it must be sqlite:FILE or memory:.")
    with _errors_explained(path):
        async with _connect(path) as writer:
            await _migrate(writer)
            if path == ":memory:":
                lock = asyncio.Lock()
                yield Database(writer=writer, reader=writer, writing=lock, reading=lock, path=path)
                return
            async with _connect(path) as reader:
                await reader.execute("PRAGMA query_only = ON")
                yield Database(
                    writer=writer, reader=reader, writing=asyncio.Lock(), reading=asyncio.Lock(), path=path
                )


@asynccontextmanager
async def _connect(path: str) -> AsyncIterator[aiosqlite.Connection]:
    # With the plain driver first, since aiosqlite's thread outlives a connection that fails.
    await to_thread.run_sync(lambda: sqlite3.connect(path).close())
    # Autocommit: transactions are begun and ended by name, in `write` alone.
    async with aiosqlite.connect(path, isolation_level=None) as connection:
        connection.row_factory = sqlite3.Row
        await connection.execute("PRAGMA journal_mode = WAL")
        await connection.execute("PRAGMA synchronous = FULL")
        await connection.execute("PRAGMA foreign_keys = ON")
        await connection.execute("PRAGMA busy_timeout = 10000")
        yield connection


async def _migrate(connection: aiosqlite.Connection) -> None:
    """Steps the schema forward, each numbered file in a transaction of its own."""
    steps = sorted(files("tunedd_api.backends.migrations").iterdir(), key=lambda step: step.name)
    numbered = {int(step.name[:4]): step.read_text("utf-8") for step in steps if step.name.endswith(".sql")}
    if await _version(connection) > max(numbered):
        raise NewerSchema
    for number, sql in numbered.items():
        await connection.execute("BEGIN IMMEDIATE")
        try:
            # Asked again inside the transaction: another process may have made the step meanwhile.
            if await _version(connection) < number:
                for statement in statements(sql):
                    await connection.execute(statement)
                await connection.execute(f"PRAGMA user_version = {number}")
            await connection.execute("COMMIT")
        except BaseException:
            await connection.execute("ROLLBACK")
            raise


async def _version(connection: aiosqlite.Connection) -> int:
    async with connection.execute("PRAGMA user_version") as cursor:
        row = await cursor.fetchone()
    return int(row[0]) if row else 0


@contextmanager
def _errors_explained(path: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        advice = "Put a backup in its place, or move it away."
        if meant := failure(error, file=path, advice=advice):
            raise meant from error
        raise
