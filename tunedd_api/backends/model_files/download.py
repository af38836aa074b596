"""Fetches one file from a web server into its `.part` file and goes on wherever it broke off."""

import re
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import anyio
import httpx
from tenacity import RetryCallState
from tenacity.stop import stop_base

from tunedd_api import __version__
from tunedd_api.backends.model_files.patience import Patience, TryAgain, describe
from tunedd_api.backends.model_files.placement import DownloadFailed, WrongBytes, size_of

CONNECT_SECONDS = 4.0
"""Short, so that a machine without the internet comes to the next source soon."""
SILENCE_SECONDS = 30.0
"""A server that sends nothing for so long counts as broken off."""
USER_AGENT = f"tunedd-api/{__version__}"


class SourceUnreachable(DownloadFailed):
    """The server cannot be reached."""


def open_client() -> httpx.AsyncClient:
    """Honours the user's proxy and certificate settings, as given in the environment."""
    timeout = httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS)
    return httpx.AsyncClient(timeout=timeout, follow_redirects=True, headers={"User-Agent": USER_AGENT})


class Download:
    """One file on its way. The part is always the beginning of the file, as far as it has come."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        *,
        part: Path,
        size: int,
        progress: Callable[[int], None],
        patience: Patience,
    ) -> None:
        self._client = client
        self._url = url
        self._part = part
        self._size = size
        self._progress = progress
        self._patience = patience
        self._connected = False
        self._fruitless = 0

    async def run(self) -> None:
        """Completes the part. Raises DownloadFailed; what has come by then stays for the next time."""
        stop = _WhenFruitless(lambda: self._fruitless >= self._patience.attempts)
        try:
            async for attempt in self._patience.retrying(stop):
                with attempt:
                    await self._attempt()
        except TryAgain as error:
            raise DownloadFailed(f"Fetching {self._part.stem} failed: {error}.") from error

    async def _attempt(self) -> None:
        self._fruitless += 1
        have = self._usable_bytes()
        self._progress(have)
        if have == self._size:
            return
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        try:
            async with self._client.stream("GET", self._url, headers=headers) as response:
                self._connected = True
                await self._receive(response, self._begin(response, have))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            if not self._connected:
                raise SourceUnreachable(f"{httpx.URL(self._url).host} cannot be reached: {error}") from error
            raise TryAgain(f"the connection could not be made again: {error!r}") from error
        except httpx.TransportError as error:
            raise TryAgain(f"the connection broke off: {error!r}") from error
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise DownloadFailed(f"Fetching {self._part.stem} failed: {error!r}") from error

    def _usable_bytes(self) -> int:
        have = size_of(self._part)
        if have <= self._size:
            return have
        self._part.unlink()
        return 0

    def _begin(self, response: httpx.Response, have: int) -> int:
        """The position in the file of the first byte that the answer brings."""
        if response.status_code == HTTPStatus.PARTIAL_CONTENT and _first_byte(response) == have:
            return have
        if response.status_code == HTTPStatus.OK:
            self._check_length(response)
            return 0
        if response.status_code in (HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE):
            self._part.unlink(missing_ok=True)
            raise TryAgain("the server does not go on where it broke off", after=0)
        later = self._patience.ask_again(response)
        raise later or DownloadFailed(f"Fetching {self._part.stem} failed: {describe(response)}.")

    def _check_length(self, response: httpx.Response) -> None:
        """Spares fetching a page of a network's login, or another version, to the end."""
        length = response.headers.get("Content-Length", "")
        if length.isdigit() and int(length) != self._size and "Content-Encoding" not in response.headers:
            raise self._wrong(f"{length} bytes long")

    async def _receive(self, response: httpx.Response, position: int) -> None:
        async with await anyio.open_file(self._part, "r+b" if position else "wb") as file:
            await file.seek(position)
            async for chunk in response.aiter_raw():
                if position + len(chunk) > self._size:
                    raise self._wrong("longer")
                await file.write(chunk)
                position += len(chunk)
                self._fruitless = 0
                self._progress(position)
        if position < self._size:
            raise TryAgain("the server stopped before the end")

    def _wrong(self, what: str) -> WrongBytes:
        self._part.unlink(missing_ok=True)
        host = httpx.URL(self._url).host
        return WrongBytes(
            f"{host} has another {self._part.stem}: it is {what}, not {self._size} bytes. It was thrown away."
        )


class _WhenFruitless(stop_base):
    """Ends the retries after some in a row that brought nothing; a long file may break off often."""

    def __init__(self, fruitless: Callable[[], bool]) -> None:
        self._fruitless = fruitless

    def __call__(self, retry_state: RetryCallState) -> bool:
        return self._fruitless()


def _first_byte(response: httpx.Response) -> int | None:
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else None
