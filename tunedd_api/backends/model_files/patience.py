"""How long to keep asking a web server that is busy or breaks off."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt
from tenacity.stop import stop_base


class TryAgain(Exception):
    """The server did not deliver this time; `after` is how many seconds it asked to wait, if it did."""

    def __init__(self, reason: str, *, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


@dataclass(frozen=True, kw_only=True)
class Patience:
    attempts: int = 5
    longest_wait: float = 60.0
    """Seconds. A server that asks for more is not waited for."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def retrying(self, stop: stop_base | None = None) -> AsyncRetrying:
        """Retries on TryAgain, which is raised once patience is at its end."""
        return AsyncRetrying(
            retry=retry_if_exception_type(TryAgain),
            stop=stop or stop_after_attempt(self.attempts),
            wait=self._pause,
            sleep=self.sleep,
            reraise=True,
        )

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, TryAgain) and error.after is not None:
            return min(error.after, self.longest_wait)
        return float(min(0.5 * 2 ** min(state.attempt_number, 10), 10.0, self.longest_wait))

    def ask_again(self, response: httpx.Response) -> TryAgain | None:
        """For an answer that says "later": the reason to try again, unless it is too far off."""
        busy = response.status_code == HTTPStatus.TOO_MANY_REQUESTS or response.is_server_error
        after = _retry_after(response)
        if not busy or (after is not None and after > self.longest_wait):
            return None
        return TryAgain(describe(response), after=after)


def describe(response: httpx.Response) -> str:
    after = response.headers.get("Retry-After")
    asked = f" and asks to wait until {after} (seconds or a date)" if after else ""
    return f"{response.url.host} answers {response.status_code} {response.reason_phrase}{asked}"


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds of a `Retry-After` header, which is a number or a date (RFC 9110, 10.2.3)."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
