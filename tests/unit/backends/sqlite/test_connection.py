"""The connection under the database: what runs in place, what waits, and what a cancellation leaves."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from tunedd_api.backends.sqlite.connection import Connection, connected

PRAGMAS = ("journal_mode = WAL", "busy_timeout = 0")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "numbers.db"


@pytest.fixture
async def connection(path: Path) -> AsyncIterator[Connection]:
    async with connected(str(path), PRAGMAS) as opened:
        opened.execute("CREATE TABLE numbers (number INTEGER)")
        yield opened


async def numbers(connection: Connection) -> list[int]:
    async with connection.execute("SELECT number FROM numbers ORDER BY number") as cursor:
        return [row["number"] for row in await cursor.fetchall()]


async def test_a_transaction_is_there_for_others_once_it_is_committed(
    connection: Connection, path: Path
) -> None:
    await connection.begin()
    added = await connection.execute("INSERT INTO numbers VALUES (?)", [1])
    await connection.executemany("INSERT INTO numbers VALUES (?)", [[2], [3]])
    assert added.rowcount == 1
    async with connected(str(path), PRAGMAS) as other:
        assert await numbers(other) == []
        await connection.commit()
        assert await numbers(other) == [1, 2, 3]
    assert not connection.in_transaction


async def test_a_transaction_waits_for_another_writer_and_lets_the_loop_go_on(
    connection: Connection, path: Path
) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(connection.begin())
    # Only this loop can make the other writer give way.
    await asyncio.sleep(0.03)
    assert not waiting.done()
    other.execute("COMMIT")
    other.close()
    with anyio.fail_after(30):
        await waiting
    assert connection.in_transaction
    connection.rollback()


async def test_many_statements_end_before_a_cancelled_task_does(connection: Connection) -> None:
    reached = 0

    def rows() -> list[list[int]]:
        return [[number] for number in range(50_000)]

    async def add() -> None:
        nonlocal reached
        await connection.begin()
        try:
            await connection.executemany("INSERT INTO numbers VALUES (?)", rows())
            reached += 1
        finally:
            connection.rollback()

    task = asyncio.create_task(add())
    while not connection.in_transaction:
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert reached == 0
    # None of them came after the rollback, where it would stand for good.
    assert await numbers(connection) == []


async def test_a_mistake_in_the_sql_is_told_at_once(connection: Connection) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        connection.execute("INSERT INTO nowhere VALUES (1)")
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await connection.executemany("INSERT INTO nowhere VALUES (?)", [[1]])
    with pytest.raises(sqlite3.OperationalError, match="within a transaction"):
        await connection.begin()
        await connection.begin()
    connection.rollback()
