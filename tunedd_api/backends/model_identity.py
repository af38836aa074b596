"""Whether the name of a model still stands for the model that it stood for when it was learned."""

import math
from collections.abc import Awaitable, Callable

import anyio
import structlog

log = structlog.get_logger(__name__)

LOOK_EVERY = 3.0
"""Seconds for which a look is good enough for questions."""
LOOK_WITHIN = 1.0
"""Seconds that a look may take."""


class ModelReplaced(Exception):
    """Another model has the name now."""


class Identity:
    """
    `check` asks the server, and raises ModelReplaced. That is remembered: the name may be given back, but
    what was embedded meanwhile stays what it is.
    """

    def __init__(self, check: Callable[[], Awaitable[None]]) -> None:
        self.lost = False
        self._check = check
        self._looked = -math.inf

    @property
    def due(self) -> bool:
        """Whether the last look was too long ago."""
        return anyio.current_time() - self._looked > LOOK_EVERY

    async def check(self) -> None:
        """Raises ModelReplaced, and what the client of the server raises."""
        if self.lost:
            raise ModelReplaced
        try:
            await self._check()
        except ModelReplaced:
            self.lost = True
            raise

    async def look(self) -> None:
        """Raises ModelReplaced. A server that does not answer is told of by what it is asked besides."""
        # Noted before the answer: questions that come meanwhile do not look too, nor wait for it.
        self._looked = anyio.current_time()
        try:
            with anyio.move_on_after(LOOK_WITHIN):
                await self.check()
        except ModelReplaced:
            raise
        except Exception as error:
            log.debug("embedding.not_looked", reason=str(error))
