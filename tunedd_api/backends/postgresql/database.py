"""The SQL database on a PostgreSQL server, through a pool of connections."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import anyio
import asyncpg

from tunedd_api.backends.migrations import NewerSchema, steps
from tunedd_api.backends.named_queries import named_queries
from tunedd_api.backends.postgresql.adapter import CountingAdapter
from tunedd_api.backends.postgresql.failures import NO_ADDRESS, SETTING, address, explained
from tunedd_api.backends.postgresql.leading import SESSION, lead
from tunedd_api.errors import SetupError, StoreUnavailable

CONNECTIONS = 10
"""Most of them for each process."""
CONNECT_WITHIN = 5.0
"""Seconds."""
CLOSE_WITHIN = 2.0
"""Seconds that connections get to end what they do."""
ANSWER_WITHIN = 30.0
"""Seconds that a statement may take."""
LOCKED_WITHIN = 120.0
"""Seconds that another process may take for what only one does at a time."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.02, 0.5
"""Seconds between two looks whether it has finished."""
SCHEMA = "tunedd.schema"
"""Name of the lock under which one process at a time steps the schema forward."""


@dataclass(frozen=True, kw_only=True)
class PostgreSQLDatabase:
    """Fulfils `Database`."""

    url: str = field(repr=False)
    pool: "asyncpg.Pool[asyncpg.Record]"
    place: str
    """Host, port and name of the database."""
    shared: ClassVar[bool] = True
    _locks: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    def queries(self, package: str) -> Any:
        return named_queries(package, CountingAdapter, dialect="postgresql")

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Any]:
        with explained(self.place):
            async with self.pool.acquire(timeout=ANSWER_WITHIN) as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Any]:
        with explained(self.place):
            async with self.pool.acquire(timeout=ANSWER_WITHIN) as connection, connection.transaction():
                yield connection

    @asynccontextmanager
    async def exclusive(self, name: str) -> AsyncIterator[None]:
        failure: Exception | None = None
        # Within the process first, so that those who wait for a lock do not hold all connections.
        async with self._locks[name], self.read() as connection:
            await self._lock(connection, name)
            try:
                yield
            except Exception as error:
                # Raised below: what goes wrong in there is no fault of the database.
                failure = error
            finally:
                # A connection that broke has lost its locks already.
                if not connection.is_closed():
                    await connection.execute(_UNLOCK, name)
        if failure is not None:
            raise failure

    async def _lock(self, connection: Any, name: str) -> None:
        """Asks again and again: a statement that only waits ends with the time a statement may take."""
        deadline, pause = time.monotonic() + LOCKED_WITHIN, SHORTEST_PAUSE
        while not await connection.fetchval(_LOCK, name):
            if time.monotonic() > deadline:
                raise StoreUnavailable(
                    f"Another process has not finished with “{name}” of PostgreSQL at {self.place} for "
                    f"{LOCKED_WITHIN:g} s. Try again."
                )
            await anyio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def lead(self, task: str, work: Callable[[], Awaitable[None]]) -> None:
        await lead(self.url, self.place, task, work)

    async def check(self) -> None:
        async with self.read() as connection:
            await connection.execute("SELECT 1", timeout=CONNECT_WITHIN)


@asynccontextmanager
async def open_postgresql(url: str) -> AsyncIterator[PostgreSQLDatabase]:
    """Raises SetupError for a wrong user or database, StoreUnavailable, NewerSchema."""
    try:
        place = address(url)
        pool = asyncpg.create_pool(
            url,
            min_size=1,
            max_size=CONNECTIONS,
            timeout=CONNECT_WITHIN,
            command_timeout=ANSWER_WITHIN,
            server_settings=SESSION,
        )
        with explained(place):
            await pool
    except ValueError as error:
        # Without its words, which may hold a part of a password.
        raise SetupError(f"{NO_ADDRESS} {SETTING}") from error
    try:
        with explained(place):
            async with pool.acquire() as connection:
                await _migrate(connection)
        yield PostgreSQLDatabase(url=url, pool=pool, place=place)
    finally:
        with anyio.move_on_after(CLOSE_WITHIN, shield=True):
            await pool.close()
        pool.terminate()


async def _migrate(connection: Any) -> None:
    numbered = steps("postgresql")
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", SCHEMA)
        await connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version integer NOT NULL)")
        version = await connection.fetchval("SELECT coalesce(max(version), 0) FROM schema_version")
        if version > max(numbered):
            raise NewerSchema
        for number, sql in numbered.items():
            if number > version:
                await connection.execute(sql)
                await connection.execute("INSERT INTO schema_version VALUES ($1)", number)


_LOCK = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended($1, 0))"
