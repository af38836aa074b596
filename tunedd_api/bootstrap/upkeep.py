"""What has to be mended at a start and from time to time: for a library of one process, or of many."""

from collections.abc import Awaitable, Callable
from functools import partial

import anyio
import structlog

from tunedd_api.backends.jobs import Jobs
from tunedd_api.bootstrap.library import LibraryParts
from tunedd_api.chat.presence import SqlPresence
from tunedd_api.chat.records import SqlConversationRecords
from tunedd_api.errors import SetupError, Unavailable

log = structlog.get_logger(__name__)

SWEEP_EVERY = 10.0
"""Seconds."""
FOLLOW_EVERY = 2.0
"""Seconds after which a process knows of an index that another one has made, or lets serve."""


class Upkeep:
    """Alone, `recover` does all. Of many processes the one that leads carries out `run`, all `follow`."""

    def __init__(
        self,
        *,
        parts: LibraryParts,
        conversations: SqlConversationRecords,
        presence: SqlPresence,
        jobs: Jobs | None,
    ) -> None:
        self._parts = parts
        self._conversations = conversations
        self._presence = presence
        self._jobs = jobs

    async def recover(self) -> None:
        """For the only process, before it begins."""
        await self._conversations.end_interrupted()
        await self._parts.recover(alone=True)

    async def run(self) -> None:
        """Until cancelled. What cannot be done now is done later."""
        recovered = False
        while True:
            if recovered:
                await self._mend()
            else:
                recovered = await _tried(partial(self._parts.recover, alone=False))
            # By itself: it needs the database alone.
            await _tried(self._sweep)
            await anyio.sleep(SWEEP_EVERY)

    async def watch(self) -> None:
        """What the only process does from time to time. Until cancelled."""
        while True:
            await anyio.sleep(SWEEP_EVERY)
            await self._mend()

    async def _mend(self) -> None:
        """After a server of passages was away: what was not removed there, and what it has lost."""
        await _tried(self._parts.intake.clear)
        await _tried(self._refill)

    async def _refill(self) -> None:
        """A server that comes back without its data says nothing of it; only the numbers do."""
        if await self._parts.recovery.incomplete():
            # Never `alone`: what is being indexed now was not broken off.
            await self._parts.recovery.recover(alone=False)
            await self._parts.indexes.serve()
            self._parts.indexer.wake()

    async def follow(self) -> None:
        """Takes note of what other processes decide. Until cancelled."""
        while True:
            await anyio.sleep(FOLLOW_EVERY)
            try:
                await self._parts.indexes.refresh()
            except (Unavailable, SetupError) as error:
                log.debug("indexes.not_refreshed", reason=error.message)

    async def _sweep(self) -> None:
        await self._presence.forget_lost()
        if ended := await self._conversations.end_abandoned():
            log.info("answers.abandoned", count=ended)
        # Documents that came while an index was begun by another process.
        await self._parts.queue.queue_unindexed()
        waiting = await self._parts.queue.waiting([index.row.stamp for index in self._parts.indexes])
        if waiting and self._jobs is not None:
            # Messages get lost; the rows do not.
            self._jobs.wake(waiting)


async def _tried(step: Callable[[], Awaitable[None]]) -> bool:
    """Whether it could be done."""
    try:
        await step()
    except (Unavailable, SetupError) as error:
        log.warning("upkeep.waits", reason=error.message, seconds=SWEEP_EVERY)
        return False
    return True
