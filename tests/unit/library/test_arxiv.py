"""Fetching one paper, against a local stand-in for arXiv."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.file_server import Answer, FileServer, serve_files
from tunedd_api.backends.model_files.patience import Patience
from tunedd_api.library.arxiv import Arxiv, ArxivUnreachable, PaperUnavailable, open_arxiv

PDF = b"%PDF-1.5\n" + b"paper" * 1000
ID = "2401.13138v6"
PATH = f"/pdf/{ID}"


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_files() as server:
        yield server


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
async def arxiv(server: FileServer, pauses: list[float]) -> AsyncIterator[Arxiv]:
    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async with httpx.AsyncClient() as client:
        patience = Patience(attempts=3, sleep=sleep)
        yield Arxiv(client, base=server.url(""), max_bytes=10_000, patience=patience)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "paper.pdf"


def content(path: Path) -> bytes:
    return path.read_bytes()


def files_beside(target: Path) -> list[str]:
    return [path.name for path in target.parent.iterdir()]


async def test_paper_is_stored_under_its_name_and_nothing_else_is_left(
    server: FileServer, arxiv: Arxiv, target: Path
) -> None:
    server.put(PATH, Answer(body=PDF))
    await arxiv.fetch(ID, target)
    assert content(target) == PDF
    assert files_beside(target) == ["paper.pdf"]


async def test_one_waits_between_two_papers(
    server: FileServer, arxiv: Arxiv, target: Path, pauses: list[float]
) -> None:
    server.put(PATH, Answer(body=PDF))
    await arxiv.fetch(ID, target)
    assert pauses == []
    await arxiv.fetch(ID, target)
    assert pauses == [3.0]


async def test_busy_arxiv_is_asked_again_after_the_seconds_it_names(
    server: FileServer, arxiv: Arxiv, target: Path, pauses: list[float]
) -> None:
    server.put(PATH, Answer(status=503, headers={"Retry-After": "20"}), Answer(body=PDF))
    await arxiv.fetch(ID, target)
    assert content(target) == PDF
    assert 20.0 in pauses


async def test_broken_connection_is_tried_again(server: FileServer, arxiv: Arxiv, target: Path) -> None:
    server.put(PATH, Answer(body=PDF, break_after=2000), Answer(body=PDF))
    await arxiv.fetch(ID, target)
    assert content(target) == PDF


async def test_retries_end(server: FileServer, arxiv: Arxiv, target: Path) -> None:
    server.put(PATH, Answer(status=500))
    with pytest.raises(PaperUnavailable, match="500"):
        await arxiv.fetch(ID, target)
    assert len(server.seen) == 3


async def test_missing_paper_is_not_asked_for_twice(server: FileServer, arxiv: Arxiv, target: Path) -> None:
    with pytest.raises(PaperUnavailable, match="404"):
        await arxiv.fetch(ID, target)
    assert len(server.seen) == 1


async def test_redirect_on_the_same_host_is_followed(server: FileServer, arxiv: Arxiv, target: Path) -> None:
    server.put(PATH, Answer(status=301, headers={"Location": f"{PATH}.pdf"}))
    server.put(f"{PATH}.pdf", Answer(body=PDF))
    await arxiv.fetch(ID, target)
    assert content(target) == PDF


async def test_redirect_to_another_host_is_not_followed(
    server: FileServer, arxiv: Arxiv, target: Path
) -> None:
    elsewhere = server.url("/elsewhere", host="localhost")
    server.put("/elsewhere", Answer(body=PDF))
    server.put(PATH, Answer(status=302, headers={"Location": elsewhere}))
    with pytest.raises(PaperUnavailable, match="redirects to localhost"):
        await arxiv.fetch(ID, target)
    assert [seen.path for seen in server.seen] == [PATH]


async def test_endless_redirects_end(server: FileServer, arxiv: Arxiv, target: Path) -> None:
    server.put(PATH, Answer(status=302, headers={"Location": PATH}))
    with pytest.raises(PaperUnavailable, match="without end"):
        await arxiv.fetch(ID, target)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>Access denied</html>" + b" " * 2000, "not a PDF"),
        (b"short", "not a PDF"),
        (PDF * 3, "larger than"),
    ],
)
async def test_what_is_no_paper_is_refused_and_leaves_nothing(
    server: FileServer, arxiv: Arxiv, target: Path, body: bytes, reason: str
) -> None:
    server.put(PATH, Answer(body=body))
    with pytest.raises(PaperUnavailable, match=reason):
        await arxiv.fetch(ID, target)
    assert files_beside(target) == []


async def test_unreachable_arxiv_is_said(target: Path) -> None:
    async with httpx.AsyncClient() as client:
        with pytest.raises(ArxivUnreachable, match="127.0.0.1 cannot be reached"):
            await Arxiv(client, base="http://127.0.0.1:1").fetch(ID, target)


async def test_requests_say_who_asks(server: FileServer, target: Path) -> None:
    server.put(PATH, Answer(body=PDF))
    async with open_arxiv(base=server.url("")) as arxiv:
        await arxiv.fetch(ID, target)
    assert server.seen[0].headers["User-Agent"].startswith("tunedd-api/")
