"""The SQL database in an SQLite file of its own, or in memory."""

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import aiosqlite
import anyio
from anyio import to_thread

from tunedd_api.backends.migrations import NewerSchema, steps
from tunedd_api.backends.named_queries import named_queries
from tunedd_api.backends.sqlite.driver import failure, statements

MEMORY = ":memory:"


@dataclass(frozen=True, kw_only=True)
class SQLiteDatabase:
    """
    Fulfils `Database`: a connection that writes, one transaction at a time, and one that reads beside it.

    In memory both are the same connection, so reads wait for writes there.
    """

    writer: aiosqlite.Connection
    reader: aiosqlite.Connection
    writing: asyncio.Lock
    reading: asyncio.Lock
    path: str
    shared: ClassVar[bool] = False
    _locks: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    def queries(self, package: str) -> Any:
        return named_queries(package, "aiosqlite")

    @asynccontextmanager
    async def exclusive(self, name: str) -> AsyncIterator[None]:
        # One process at a time changes an SQLite file; those that read beside it take no locks.
        async with self._locks[name]:
            yield

    async def lead(self, task: str, work: Callable[[], Awaitable[None]]) -> None:
        await work()

    async def check(self) -> None:
        async with self.read() as connection:
            await connection.execute("SELECT 1")

    @asynccontextmanager
    async def read(self) -> AsyncIterator[aiosqlite.Connection]:
        async with self.reading:
            with _errors_explained(self.path):
                yield self.reader

    @asynccontextmanager
    async def write(self) -> AsyncIterator[aiosqlite.Connection]:
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
async def open_sqlite(path: str) -> AsyncIterator[SQLiteDatabase]:
    """A file, or MEMORY. Raises NewerSchema, StoreUnavailable, DamagedFile, DiskFull."""
    with _errors_explained(path):
        async with _connect(path) as writer:
            await _migrate(writer)
            if path == MEMORY:
                lock = asyncio.Lock()
                yield SQLiteDatabase(writer=writer, reader=writer, writing=lock, reading=lock, path=path)
                return
            async with _connect(path) as reader:
                await reader.execute("PRAGMA query_only = ON")
                yield SQLiteDatabase(
                    writer=writer, reader=reader, writing=asyncio.Lock(), reading=asyncio.Lock(), path=path
                )


@asynccontextmanager
async def _connect(path: str) -> AsyncIterator[aiosqlite.Connection]:
    # With the plain driver first, since aiosqlite's thread outlives a connection that fails.
    await to_thread.run_sync(lambda: sqlite3.connect(path).close())
    # Autocommit: transactions are begun and ended by name, in `write` alone.
    connection = await aiosqlite.connect(path, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        await connection.execute("PRAGMA journal_mode = WAL")
        await connection.execute("PRAGMA synchronous = FULL")
        await connection.execute("PRAGMA foreign_keys = ON")
        await connection.execute("PRAGMA busy_timeout = 10000")
        yield connection
    finally:
        # Shielded: its thread must not outlive the event loop that it answers to.
        with anyio.CancelScope(shield=True):
            await connection.close()


async def _migrate(connection: aiosqlite.Connection) -> None:
    """Steps the schema forward, each numbered file in a transaction of its own."""
    numbered = steps("sqlite")
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
