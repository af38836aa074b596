"""Who leads: of all processes that work on one database the one that holds a lock in it."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import asyncpg
import structlog

from tunedd_api.backends.postgresql.failures import explained
from tunedd_api.errors import StoreUnavailable

log = structlog.get_logger(__name__)

TRY_EVERY = 3.0
"""Seconds between two looks whether the one that leads is gone."""
LOOK_EVERY = 2.0
"""Seconds between two looks whether this process still leads."""
ANSWER_WITHIN = 5.0
"""Seconds."""
LEADER = "tunedd.leader."
SESSION = {
    "application_name": "tunedd",
    # Locks belong to a session: that of a machine that is gone ends after half a minute, not two hours.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
}


class _Lost(Exception):
    """The connection that holds the lock is gone, and with it the lock."""


async def lead(url: str, place: str, task: str, work: Callable[[], Awaitable[None]]) -> None:
    """Carries out `work` whenever this process leads, until cancelled; it ends when another one may lead."""
    while True:
        try:
            with explained(place):
                connection = await asyncpg.connect(
                    url, timeout=ANSWER_WITHIN, command_timeout=ANSWER_WITHIN, server_settings=SESSION
                )
                try:
                    await _lead(connection, task, work)
                    return
                finally:
                    # The lock is the server's to give back: it does so once it sees the connection end.
                    connection.terminate()
        except* (StoreUnavailable, _Lost) as group:
            log.info("leading.lost", task=task, reason=str(group.exceptions[0]))
        await anyio.sleep(TRY_EVERY)


async def _lead(connection: Any, task: str, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        # Asked again and again: a connection that only waits does not see that its server is gone.
        if await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", LEADER + task):
            break
        await anyio.sleep(TRY_EVERY)
    log.info("leading.begun", task=task)
    started = time.monotonic()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_watch, connection)
        await work()
        tasks.cancel_scope.cancel()
    log.info("leading.ended", task=task, seconds=round(time.monotonic() - started))


async def _watch(connection: Any) -> None:
    while True:
        await anyio.sleep(LOOK_EVERY)
        try:
            await connection.fetchval("SELECT 1")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise _Lost(str(error)) from error
