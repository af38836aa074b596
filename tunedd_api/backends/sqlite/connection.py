"""
An SQLite connection for a loop, in the manner of aiosqlite.

Its statements run at once, in place: they find rows by their keys within microseconds, and a thread would let
the loop wait longer than that at each of them. What waits for a disk or for other processes does not: a
transaction begins once nobody else writes, and ends, like many statements at a time, on a thread.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

import anyio
from anyio import to_thread

PATIENCE = 10.0
"""Seconds that a transaction waits for another process that is writing."""
ASK_AGAIN = 0.005
Result = TypeVar("Result")


class Cursor:
    """The rows of a statement, or how many it changed. Give it to `await` or `async with`, or neither."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor
        self.rowcount = cursor.rowcount
        self.lastrowid = cursor.lastrowid
        self.description = cursor.description

    async def fetchone(self) -> Any:
        return self._cursor.fetchone()

    async def fetchall(self) -> list[Any]:
        return self._cursor.fetchall()

    async def close(self) -> None:
        self._cursor.close()

    async def __aenter__(self) -> "Cursor":
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    def __await__(self) -> Generator[Any, None, "Cursor"]:
        yield from ()
        return self


class Connection:
    """Used by one task at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite")

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def execute(self, sql: str, parameters: Any = ()) -> Cursor:
        return Cursor(self._connection.execute(sql, parameters))

    async def executemany(self, sql: str, parameters: Iterable[Any]) -> Cursor:
        return Cursor(await self._whole(partial(self._connection.executemany, sql, parameters)))

    async def begin(self) -> None:
        """Begins a transaction that may write."""
        for _ in range(round(PATIENCE / ASK_AGAIN)):
            if self._begun():
                return
            await anyio.sleep(ASK_AGAIN)
        self._connection.execute("BEGIN IMMEDIATE")

    async def commit(self) -> None:
        await self._whole(self._connection.commit)

    def rollback(self) -> None:
        self._connection.rollback()

    async def close(self) -> None:
        await self._whole(self._connection.close)
        self._thread.shutdown()

    async def _whole(self, function: Callable[[], Result]) -> Result:
        """Carried out to its end even when cancelled, so that it is known what the next one finds."""
        execution = asyncio.get_running_loop().run_in_executor(self._thread, function)
        with anyio.CancelScope(shield=True):
            try:
                await asyncio.shield(execution)
            except asyncio.CancelledError:
                await asyncio.wait([execution])
                raise
        return execution.result()

    def _begun(self) -> bool:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            return False
        return True


@asynccontextmanager
async def connected(path: str, pragmas: Sequence[str]) -> AsyncIterator[Connection]:
    connection = Connection(await to_thread.run_sync(_connect, path, pragmas))
    try:
        yield connection
    finally:
        await connection.close()


def _connect(path: str, pragmas: Sequence[str]) -> sqlite3.Connection:
    # Autocommit: transactions are begun and ended by name.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection
