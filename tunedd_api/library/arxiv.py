"""Fetches papers from arXiv the way it asks for: one at a time, with a pause, saying who is asking."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

import anyio
import httpx

from tunedd_api import __version__
from tunedd_api.backends.model_files.patience import Patience, TryAgain, describe
from tunedd_api.backends.model_files.placement import part_of, settle
from tunedd_api.errors import Unavailable

ARXIV = "https://arxiv.org"
ARXIV_HOSTS = frozenset({"arxiv.org", "export.arxiv.org"})
PAUSE_SECONDS = 3.0
"""Between two requests (https://info.arxiv.org/help/api/tou.html)."""
MAX_BYTES = 100_000_000
MAX_REDIRECTS = 5
PDF_BEGINNING = 1024
"""A PDF has its `%PDF-` within so many bytes."""


class PaperUnavailable(Unavailable):
    """The paper could not be fetched."""


class ArxivUnreachable(Unavailable):
    """arXiv cannot be reached."""


class Arxiv:
    """Asks again when arXiv is busy; follows it nowhere else."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        base: str = ARXIV,
        pause: float = PAUSE_SECONDS,
        max_bytes: int = MAX_BYTES,
        patience: Patience | None = None,
    ) -> None:
        host = httpx.URL(base).host
        self._client = client
        self._base = base.rstrip("/")
        self._hosts = ARXIV_HOSTS if host in ARXIV_HOSTS else frozenset({host})
        self._pause = pause
        self._max_bytes = max_bytes
        self._patience = patience or Patience()
        self._asked = False
        self._alone = anyio.Lock()

    async def fetch(self, arxiv_id: str, target: Path) -> None:
        """Stores the PDF of `2401.13138v6`. Raises PaperUnavailable, ArxivUnreachable."""
        try:
            async with self._alone:
                async for attempt in self._patience.retrying():
                    with attempt:
                        await self._attempt(f"{self._base}/pdf/{arxiv_id}", target)
        except TryAgain as error:
            raise PaperUnavailable(f"arXiv did not deliver {arxiv_id}: {error}.") from error

    async def _attempt(self, url: str, target: Path) -> None:
        if self._asked:
            await self._patience.sleep(self._pause)
        self._asked = True
        try:
            await self._follow(self._client.build_request("GET", url), target)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise ArxivUnreachable(f"{httpx.URL(self._base).host} cannot be reached: {error}") from error
        except httpx.TransportError as error:
            raise TryAgain(f"the connection broke off: {error!r}") from error

    async def _follow(self, request: httpx.Request, target: Path) -> None:
        for _ in range(MAX_REDIRECTS):
            response = await self._client.send(request, stream=True)
            try:
                if response.next_request is None:
                    return await self._receive(response, target)
                request = self._allowed(response.next_request)
            finally:
                await response.aclose()
        raise PaperUnavailable("arXiv redirects without end.")

    def _allowed(self, request: httpx.Request) -> httpx.Request:
        downgraded = self._base.startswith("https:") and request.url.scheme != "https"
        if request.url.host not in self._hosts or downgraded:
            raise PaperUnavailable(f"arXiv redirects to {request.url.host}, where it is not followed.")
        return request

    async def _receive(self, response: httpx.Response, target: Path) -> None:
        if response.status_code != HTTPStatus.OK:
            later = self._patience.ask_again(response)
            raise later or PaperUnavailable(f"arXiv did not deliver it: {describe(response)}.")
        part = part_of(target)
        try:
            await self._write(response, part)
            settle(part, target)
        finally:
            part.unlink(missing_ok=True)

    async def _write(self, response: httpx.Response, part: Path) -> None:
        beginning, size = b"", 0
        async with await anyio.open_file(part, "wb") as file:
            async for chunk in response.aiter_bytes():
                beginning += chunk[: PDF_BEGINNING - len(beginning)]
                size += len(chunk)
                if size > self._max_bytes:
                    raise PaperUnavailable(f"The file is larger than {self._max_bytes / 1e6:.0f} MB.")
                if len(beginning) == PDF_BEGINNING and b"%PDF-" not in beginning:
                    break
                await file.write(chunk)
        if b"%PDF-" not in beginning:
            raise PaperUnavailable("arXiv sent something that is not a PDF.")


@asynccontextmanager
async def open_arxiv(*, base: str = ARXIV, quick: bool = False) -> AsyncIterator[Arxiv]:
    """`quick` asks once and does not wait long for a connection: for a start that can do without."""
    timeout = httpx.Timeout(10.0 if quick else 60.0, connect=3.0 if quick else 10.0)
    headers = {"User-Agent": f"tunedd-api/{__version__} (a library of papers on its user's machine)"}
    patience = Patience(attempts=1) if quick else Patience()
    async with httpx.AsyncClient(timeout=timeout, headers=headers) as client:
        yield Arxiv(client, base=base, patience=patience)
