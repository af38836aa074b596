"""Which processes write answers, where several do: so that what a dead one left is told from what goes on."""

import math
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import anyio
import structlog

from tunedd_api.backends.database import Database
from tunedd_api.errors import Unavailable

log = structlog.get_logger(__name__)

NOTE_EVERY = 5.0
"""Seconds between two signs of life."""
LEAVE_WITHIN = 2.0
"""Seconds."""
MISSED = 3 * NOTE_EVERY
"""Seconds without one after which the database, and not the process, is what was away."""
SILENCE = 30.0
"""Seconds without one after which a process is gone."""


class SqlPresence:
    """This process among the others."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` tells seconds that have passed."""
        self.id = secrets.token_hex(8)
        self._database = database
        self._sql = database.queries(__package__)
        self._clock = clock
        self._noted = math.inf
        self._trusts_from = 0.0

    async def note(self) -> None:
        """A sign of life."""
        async with self._database.write() as connection:
            await self._sql.note_process(connection, id=self.id, now=time.time())
        moment = self._clock()
        if moment - self._noted > MISSED:
            # The others could not give one either, most likely.
            self._trusts_from = moment + SILENCE
        self._noted = moment

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Gives signs of life while the block lasts."""
        await self.note()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._keep)
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()
                with anyio.move_on_after(LEAVE_WITHIN, shield=True), suppress(Unavailable):
                    await self._leave()

    async def _keep(self) -> None:
        while True:
            await anyio.sleep(NOTE_EVERY)
            try:
                await self.note()
            except Unavailable as error:
                log.debug("presence.not_noted", reason=error.message)

    async def _leave(self) -> None:
        async with self._database.write() as connection:
            await self._sql.forget_process(connection, id=self.id)

    async def forget_lost(self) -> None:
        """Forgets the processes that have given no sign of life for long, though they could."""
        moment = self._clock()
        if moment - self._noted > MISSED or moment < self._trusts_from:
            return
        async with self._database.write() as connection:
            await self._sql.forget_lost_processes(connection, now=time.time(), silence=SILENCE)
