"""A local stand-in for arXiv and a client of it whose pauses take no time."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.arxiv import Watch
from tests.file_server import FileServer, serve_files
from tunedd_api.backends.model_files.patience import Patience
from tunedd_api.library.arxiv.asking import Asking
from tunedd_api.library.arxiv.fetching import Arxiv


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_files() as server:
        yield server


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
async def asking(server: FileServer, watch: Watch) -> AsyncIterator[Asking]:
    asking = Asking(
        httpx.AsyncClient,
        hosts=frozenset({server.url("")}),
        patience=Patience(attempts=3, sleep=watch.sleep),
        clock=watch,
    )
    yield asking
    await asking.close()


@pytest.fixture
def arxiv(server: FileServer, asking: Asking) -> Arxiv:
    return Arxiv(asking, base=server.url(""), api=server.url(""), max_bytes=10_000)
