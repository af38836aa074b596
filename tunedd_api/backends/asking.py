"""How a model behind a server is asked: what it is called in messages, and for how long it is asked again."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

import httpx
from tenacity import AsyncRetrying, retry_if_exception, stop_before_delay, wait_exponential

CONNECT_WITHIN = 2.0
"""Seconds to reach a server."""
QUICK_RETRIES = 1.0
"""Seconds for which somebody who waits for an answer is kept waiting for a server that does not answer."""
LONG_RETRIES = 10.0
"""Seconds for which an indexing waits by itself; after that it is given back to the queue."""

T = TypeVar("T")


class Silent(TimeoutError):
    """Nothing came from a model for too long; the message is for its user."""


class StillComing(TimeoutError):
    """A model is on its way onto its server; the message says how far."""


class BrokenOff(ConnectionError):
    """An answer ended before its end; the message is for its user."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A model, as messages speak of it."""

    what: str
    """`chat model` or `embedding model`."""
    name: str
    setting: str
    """The setting that chooses it."""

    def __str__(self) -> str:
        return f"The {self.what} {self.name}"


def chat_part(name: str) -> Part:
    return Part(what="chat model", name=name, setting="TUNEDD_CHAT_MODEL")


def embedding_part(name: str) -> Part:
    return Part(what="embedding model", name=name, setting="TUNEDD_EMBEDDING_MODEL")


async def ask(
    call: Callable[[], Awaitable[T]], *, again_after: Callable[[BaseException], bool], within: float
) -> T:
    """The one retry loop: `call`, again after what `again_after` says of an error, for `within` seconds."""
    retrying = AsyncRetrying(
        retry=retry_if_exception(again_after),
        stop=stop_before_delay(within),
        wait=wait_exponential(multiplier=0.1, max=2.0),
        reraise=True,
    )
    async for attempt in retrying:
        with attempt:
            return await call()
    raise AssertionError  # pragma: no cover - the last attempt returns or raises


def comes_back(status: int) -> bool:
    """Whether a server that answers with this status may answer better in a moment."""
    return status == HTTPStatus.TOO_MANY_REQUESTS or (status >= 500 and status != HTTPStatus.NOT_IMPLEMENTED)


def broke_off(error: BaseException) -> bool:
    """Whether a connection could not be made, or ended; not that nothing came over it."""
    gone = httpx.NetworkError | httpx.RemoteProtocolError | ConnectionError
    return isinstance(error, gone)
