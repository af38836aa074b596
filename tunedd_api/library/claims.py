"""The indexings that this process carries out: kept while they run, broken off when their claim is void."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import structlog

from tunedd_api.errors import TuneddError
from tunedd_api.library.model import Claim
from tunedd_api.library.ports import IndexingQueue

log = structlog.get_logger(__name__)

LOOK_EVERY = 1.0
"""Seconds after which a cancelled indexing is noticed at the latest."""
RENEW_EVERY = 15.0
"""Seconds; a fraction of a lease, so that one that fails does no harm."""


class Claims:
    """What is held is renewed by `keep`, which runs until cancelled."""

    def __init__(self, queue: IndexingQueue) -> None:
        self._queue = queue
        self._scopes: dict[str, anyio.CancelScope] = {}
        self._look = asyncio.Event()

    def look(self) -> None:
        """Asks for a look at the claims now."""
        self._look.set()

    def let_go(self, claim: Claim) -> None:
        """The claim is about to end: that it is not held any more means nothing from here on."""
        self._scopes.pop(claim.token, None)

    @asynccontextmanager
    async def held(self, claim: Claim) -> AsyncIterator[None]:
        """The block is broken off once the claim is void. When it fails the indexing returns to the queue."""
        with anyio.CancelScope() as scope:
            self._scopes[claim.token] = scope
            try:
                yield
            except BaseException:
                if not scope.cancel_called:
                    await self._release(claim)
                raise
            finally:
                self.let_go(claim)
        if scope.cancelled_caught:
            log.info("indexing.cancelled", document=claim.document.id)

    async def keep(self) -> None:
        renewed = time.monotonic()
        while True:
            with anyio.move_on_after(LOOK_EVERY):
                await self._look.wait()
            self._look.clear()
            if not self._scopes:
                continue
            try:
                await self._break_off_the_void()
                if time.monotonic() - renewed >= RENEW_EVERY:
                    await self._queue.renew(list(self._scopes))
                    renewed = time.monotonic()
            except TuneddError as error:
                # Whoever carries the indexing out meets the same trouble, and tells of it.
                log.debug("claims.not_kept", reason=error.message)

    async def _break_off_the_void(self) -> None:
        tokens = list(self._scopes)
        held = await self._queue.held(tokens)
        for token in tokens:
            # A claim that ended meanwhile is in neither.
            if token not in held and token in self._scopes:
                self._scopes[token].cancel()

    async def _release(self, claim: Claim) -> None:
        with anyio.CancelScope(shield=True):
            try:
                await self._queue.release(claim)
            except TuneddError as error:
                # Its lease ends by itself.
                log.debug("claim.not_released", reason=error.message)
