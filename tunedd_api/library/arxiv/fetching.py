"""arXiv itself, over HTTP: what its API says of a paper, and its PDF."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx
from anyio import to_thread

from tunedd_api import __version__
from tunedd_api.backends.model_files.patience import Patience
from tunedd_api.backends.model_files.placement import part_of, settle
from tunedd_api.library.arxiv.asking import Asking
from tunedd_api.library.arxiv.metadata import BadFeed, read_feed
from tunedd_api.library.arxiv.model import ArxivId, PaperTooLarge, PaperUnavailable
from tunedd_api.library.model import Description

ARXIV = "https://arxiv.org"
API = "https://export.arxiv.org"
MAX_BYTES = 100 << 20
"""Of a PDF."""
MAX_FEED_BYTES = 4_000_000
"""Papers with three thousand authors take half a million."""
FEED_SECONDS = 60.0
PDF_SECONDS = 300.0
"""For all attempts together."""
PDF_BEGINNING = 1024
"""A PDF has its `%PDF-` within so many bytes."""
HEADERS = {
    "User-Agent": f"tunedd-api/{__version__} (a library of papers on its user's machine)",
    # A small answer that unpacks to a huge one is not taken: what comes is written as it comes.
    "Accept-Encoding": "identity",
}


class Arxiv:
    """Papers and what is said of them."""

    def __init__(
        self,
        asking: Asking,
        *,
        base: str = ARXIV,
        api: str = API,
        max_bytes: int = MAX_BYTES,
        max_seconds: float = PDF_SECONDS,
    ) -> None:
        self._asking = asking
        self._base = base
        self._api = api
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds

    async def describe(self, id: ArxivId) -> Description:
        """
        What arXiv says of this version; without one, of the newest.

        Raises PaperNotFound, PaperUnavailable, ArxivUnreachable.
        """
        url = f"{self._api}/api/query?id_list={id}&max_results=1"
        seconds = min(FEED_SECONDS, self._max_seconds)
        feed = await self._asking.get(url, _receive_feed, what=f"description of {id}", seconds=seconds)
        return await to_thread.run_sync(read_feed, feed, id)

    async def fetch(self, id: ArxivId, target: Path) -> None:
        """Stores the PDF. Raises PaperNotFound, PaperTooLarge, PaperUnavailable, ArxivUnreachable."""

        async def receive(response: httpx.Response) -> None:
            part = part_of(target)
            try:
                await self._write(response, part)
                await to_thread.run_sync(settle, part, target)
            finally:
                part.unlink(missing_ok=True)

        url = f"{self._base}/pdf/{id}"
        await self._asking.get(url, receive, what=f"PDF of {id}", seconds=self._max_seconds)

    async def _write(self, response: httpx.Response, part: Path) -> None:
        beginning, size = b"", 0
        async with await anyio.open_file(part, "wb") as file:
            async for chunk in response.aiter_raw():
                beginning += chunk[: PDF_BEGINNING - len(beginning)]
                size += len(chunk)
                if size > self._max_bytes:
                    raise PaperTooLarge
                if len(beginning) == PDF_BEGINNING and b"%PDF-" not in beginning:
                    break
                await file.write(chunk)
        if b"%PDF-" not in beginning:
            raise PaperUnavailable("arXiv sent something that is not a PDF.")


async def _receive_feed(response: httpx.Response) -> bytes:
    feed = bytearray()
    async for chunk in response.aiter_raw():
        feed += chunk
        if len(feed) > MAX_FEED_BYTES:
            raise BadFeed
    return bytes(feed)


@asynccontextmanager
async def open_arxiv(
    *, base: str = ARXIV, quick: bool = False, max_bytes: int = MAX_BYTES
) -> AsyncIterator[Arxiv]:
    """
    Contacts nobody before the first paper. `base` other than arXiv's own stands in for its API too.

    `quick` asks once and does not wait long for a connection: for a start that can do without.
    """
    base = base.rstrip("/")
    api = API if base == ARXIV else base
    timeout = httpx.Timeout(10.0 if quick else 30.0, connect=3.0 if quick else 10.0)
    asking = Asking(
        lambda: httpx.AsyncClient(timeout=timeout, headers=HEADERS),
        hosts=frozenset({base, api}),
        patience=Patience(attempts=1) if quick else None,
    )
    try:
        yield Arxiv(asking, base=base, api=api, max_bytes=max_bytes)
    finally:
        await asking.close()
