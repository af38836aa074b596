"""Who is gone, of the processes that write answers, and who only could not be heard."""

from pathlib import Path

import pytest

from tunedd_api.backends.database import Database, open_database
from tunedd_api.chat.presence import MISSED, NOTE_EVERY, SILENCE, SqlPresence


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def others(database: Database) -> list[str]:
    async with database.read() as connection:
        found = await connection.execute_fetchall("SELECT id FROM processes")
    return [row["id"] for row in found]


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_a_process_is_forgotten_only_after_the_database_was_there_for_long_enough(
    tmp_path: Path, clock: Clock
) -> None:
    async with open_database("memory:", tmp_path) as database:
        async with database.write() as connection:
            await connection.execute("INSERT INTO processes VALUES ('silent', 0)")
        presence = SqlPresence(database, clock=clock)
        await presence.note()
        # The database was away: nobody could give a sign of life.
        clock.now = MISSED + 1
        await presence.forget_lost()
        assert "silent" in await others(database)
        await presence.note()
        await presence.forget_lost()
        assert "silent" in await others(database)
        for _ in range(int(SILENCE / NOTE_EVERY) + 1):
            clock.now += NOTE_EVERY
            await presence.note()
        await presence.forget_lost()
        assert await others(database) == [presence.id]


async def test_after_a_start_who_is_gone_is_forgotten_at_once(tmp_path: Path, clock: Clock) -> None:
    async with open_database("memory:", tmp_path) as database:
        async with database.write() as connection:
            await connection.execute("INSERT INTO processes VALUES ('silent', 0)")
        presence = SqlPresence(database, clock=clock)
        await presence.note()
        await presence.forget_lost()
        assert await others(database) == [presence.id]
