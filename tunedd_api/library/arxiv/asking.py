"""Asks arXiv the way it asks for: one request at a time, with a pause, and nobody else."""

import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TypeVar

import anyio
import httpx

from tunedd_api.backends.model_files.patience import Patience, TryAgain, describe
from tunedd_api.library.arxiv.model import ArxivUnreachable, PaperNotFound, PaperUnavailable

PAUSE_SECONDS = 3.0
"""Between two requests (https://info.arxiv.org/help/api/tou.html)."""
MAX_REDIRECTS = 5
LONGEST_PAUSE = 24 * 60 * 60
"""Seconds. What arXiv asks for beyond this is not passed on."""
NOT_THERE = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
Answer = TypeVar("Answer")
Receive = Callable[[httpx.Response], Awaitable[Answer]]


class Asking:
    """Asks again when arXiv is busy; follows it to none but the `hosts`. Opens its client when it must."""

    def __init__(
        self,
        open_client: Callable[[], httpx.AsyncClient],
        *,
        hosts: frozenset[str],
        patience: Patience | None = None,
        pause: float = PAUSE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open_client = open_client
        self._client: httpx.AsyncClient | None = None
        self._origins = {_origin(httpx.URL(host)) for host in hosts}
        self._patience = patience or Patience()
        self._pause = pause
        self._clock = clock
        self._last: float | None = None
        self._alone = anyio.Lock()

    async def get(self, url: str, receive: Receive[Answer], *, what: str, seconds: float) -> Answer:
        """
        What `receive` makes of the answer, which is to be there whole within some seconds.

        `what` names it for a person. Raises PaperNotFound, PaperUnavailable, ArxivUnreachable.
        """
        async with self._alone:
            with anyio.move_on_after(seconds):
                try:
                    return await self._patience.retrying()(self._attempt, url, receive, what)
                except TryAgain as error:
                    raise PaperUnavailable(f"arXiv did not deliver {what}: {error}.") from error
        raise PaperUnavailable(f"arXiv did not deliver {what} within {seconds:.0f} seconds.")

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _attempt(self, url: str, receive: Receive[Answer], what: str) -> Answer:
        if self._last is not None and (left := self._last + self._pause - self._clock()) > 0:
            await self._patience.sleep(left)
        if self._client is None:
            self._client = self._open_client()
        try:
            return await self._follow(self._client, self._client.build_request("GET", url), receive, what)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise ArxivUnreachable(f"{httpx.URL(url).host} cannot be reached: {error}") from error
        except httpx.TransportError as error:
            raise TryAgain(f"the connection broke off: {error!r}") from error
        except httpx.InvalidURL as error:
            raise PaperUnavailable("arXiv redirects to something that is no address.") from error
        finally:
            self._last = self._clock()

    async def _follow(
        self, client: httpx.AsyncClient, request: httpx.Request, receive: Receive[Answer], what: str
    ) -> Answer:
        for _ in range(MAX_REDIRECTS):
            response = await client.send(request, stream=True, follow_redirects=False)
            try:
                if response.next_request is None:
                    self._require_ok(response, what)
                    return await receive(response)
                request = self._allowed(response.next_request)
            finally:
                await response.aclose()
        raise PaperUnavailable("arXiv redirects without end.")

    def _allowed(self, request: httpx.Request) -> httpx.Request:
        if _origin(request.url) not in self._origins:
            there = f"{request.url.scheme}://{request.url.host}"
            raise PaperUnavailable(f"arXiv redirects to {there}, where it is not followed.")
        return request

    def _require_ok(self, response: httpx.Response, what: str) -> None:
        if response.status_code == HTTPStatus.OK:
            return
        if response.status_code in NOT_THERE:
            raise PaperNotFound(f"arXiv has no {what} (it answers {response.status_code}).")
        if later := self._patience.ask_again(response):
            raise later
        refusal = PaperUnavailable(f"arXiv did not deliver {what}: {describe(response)}.")
        if (asked := response.headers.get("Retry-After", "")).isdecimal():
            refusal.retry_after = min(int(asked[:9]), LONGEST_PAUSE)
        raise refusal


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
