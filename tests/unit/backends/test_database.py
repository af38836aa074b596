"""The database: transactions, migrations, what a failure says."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import aiosqlite
import anyio
import anyio.lowlevel
import pytest

from tunedd_api.backends.database import Database, UnknownDatabase, open_database
from tunedd_api.backends.migrations import NewerSchema
from tunedd_api.errors import StoreUnavailable

ADD = "INSERT INTO conversations (id, title, scoped, created_at) VALUES (?, 't', 0, '2026')"
COUNT = "SELECT count(*) FROM conversations"


@pytest.fixture(params=["memory:", "sqlite:tunedd.db"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database(request.param, tmp_path) as opened:
        yield opened


async def count(database: Database) -> int:
    async with database.read() as connection, connection.execute(COUNT) as cursor:
        row = await cursor.fetchone()
    assert row
    return int(row[0])


async def test_a_write_is_seen_by_the_next_read(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(ADD, ["a"])
    assert await count(database) == 1


async def test_a_write_that_fails_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.write() as connection:
            await connection.execute(ADD, ["a"])
            raise RuntimeError
    assert await count(database) == 0


async def test_a_cancelled_write_leaves_nothing_to_the_next_one(database: Database) -> None:
    begun = asyncio.Event()

    async def half() -> None:
        async with database.write() as connection:
            await connection.execute(ADD, ["a"])
            begun.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(half())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.write() as connection:
        await connection.execute(ADD, ["b"])
    assert await count(database) == 1


@pytest.mark.parametrize("steps", range(6))
async def test_a_write_cancelled_at_any_step_leaves_nothing_to_the_next_one(
    database: Database, steps: int
) -> None:
    async def add(id: str) -> None:
        async with database.write() as connection:
            await connection.execute(ADD, [id])

    for number in range(30):
        task = asyncio.create_task(add(f"asyncio {number}"))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        with anyio.move_on_after(60) as scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(add, f"anyio {number}")
                for _ in range(steps):
                    await anyio.lowlevel.checkpoint()
                scope.cancel()
    before = await count(database)
    await add("last")
    assert await count(database) == before + 1


async def test_writes_wait_for_each_other(database: Database) -> None:
    async def add(id: str) -> None:
        async with database.write() as connection:
            await connection.execute(ADD, [id])
            await asyncio.sleep(0)

    await asyncio.gather(*(add(str(number)) for number in range(20)))
    assert await count(database) == 20


async def test_a_file_is_opened_again_with_what_it_holds(tmp_path: Path) -> None:
    for expected in (1, 2):
        async with open_database("sqlite:tunedd.db", tmp_path) as database:
            async with database.write() as connection:
                await connection.execute(ADD, [str(expected)])
            assert await count(database) == expected


async def test_many_openings_at_once_make_the_schema_once(tmp_path: Path) -> None:
    async def use(id: str) -> None:
        async with open_database("sqlite:tunedd.db", tmp_path) as database, database.write() as connection:
            await connection.execute(ADD, [id])

    await asyncio.gather(*(use(str(number)) for number in range(8)))
    async with open_database("sqlite:tunedd.db", tmp_path) as database:
        assert await count(database) == 8


async def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    async with aiosqlite.connect(tmp_path / "tunedd.db") as connection:
        await connection.execute("PRAGMA user_version = 9999")
    with pytest.raises(NewerSchema):
        async with open_database("sqlite:tunedd.db", tmp_path):
            pass


@pytest.mark.parametrize("url", ["", "sqlite:", "mysql://host/db", "tunedd.db"])
async def test_an_unknown_url_names_the_setting(url: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownDatabase, match="TUNEDD_DATABASE_URL"):
        async with open_database(url, tmp_path):
            pass


async def test_a_file_that_cannot_be_opened_is_an_error_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="unable to open"):
        async with open_database("sqlite:missing/tunedd.db", tmp_path):
            pass


async def test_readers_cannot_write(tmp_path: Path) -> None:
    async with open_database("sqlite:tunedd.db", tmp_path) as database:
        with pytest.raises((StoreUnavailable, sqlite3.OperationalError)):
            async with database.read() as connection:
                await connection.execute(ADD, ["a"])
