"""Descriptions and PDFs, from a local stand-in for arXiv."""

import gzip
from pathlib import Path

import pytest

from tests.arxiv import entry, feed, query
from tests.file_server import Answer, FileServer
from tunedd_api.library.arxiv.fetching import MAX_FEED_BYTES, Arxiv, open_arxiv
from tunedd_api.library.arxiv.ids import parse
from tunedd_api.library.arxiv.metadata import BadFeed
from tunedd_api.library.arxiv.model import PaperNotFound, PaperTooLarge, PaperUnavailable

PDF = b"%PDF-1.5\n" + b"paper" * 1000
ID = parse("math/0309136v2")
PATH = f"/pdf/{ID}"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "paper.pdf"


def content(path: Path) -> bytes:
    return path.read_bytes()


def files_beside(target: Path) -> list[str]:
    return [path.name for path in target.parent.iterdir()]


async def test_a_paper_is_stored_under_its_name_and_nothing_else_is_left(
    server: FileServer, arxiv: Arxiv, target: Path
) -> None:
    server.put(PATH, Answer(body=PDF))
    await arxiv.fetch(ID, target)
    assert content(target) == PDF
    assert files_beside(target) == ["paper.pdf"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(body=b"<html>Access denied</html>" + b" " * 2000), "not a PDF"),
        (Answer(body=b"short"), "not a PDF"),
        (Answer(body=b""), "not a PDF"),
        (Answer(body=PDF * 3), "TUNEDD_MAX_UPLOAD_MB"),
        (Answer(body=PDF * 3, length=False), "TUNEDD_MAX_UPLOAD_MB"),
        (Answer(body=gzip.compress(PDF * 1000), headers={"Content-Encoding": "gzip"}), "not a PDF"),
    ],
)
async def test_what_is_no_paper_is_refused_and_leaves_nothing(
    server: FileServer, arxiv: Arxiv, target: Path, answer: Answer, reason: str
) -> None:
    server.put(PATH, answer)
    with pytest.raises((PaperUnavailable, PaperTooLarge), match=reason):
        await arxiv.fetch(ID, target)
    assert files_beside(target) == []


async def test_a_description_without_a_pdf_is_not_found(
    server: FileServer, arxiv: Arxiv, target: Path
) -> None:
    with pytest.raises(PaperNotFound, match=f"no PDF of {ID}"):
        await arxiv.fetch(ID, target)


async def test_the_newest_version_is_asked_for_and_told(server: FileServer, arxiv: Arxiv) -> None:
    server.put(query("math/0309136"), Answer(body=feed(entry(str(ID)))))
    assert (await arxiv.describe(ID.at(None))).arxiv_id == str(ID)
    assert [seen.path for seen in server.seen] == ["/api/query"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=b"Rate exceeded."),
        Answer(body=feed(entry(str(ID))) + b" " * MAX_FEED_BYTES),
        Answer(body=gzip.compress(feed(entry(str(ID)))), headers={"Content-Encoding": "gzip"}),
    ],
)
async def test_an_answer_that_is_no_description_is_refused(
    server: FileServer, arxiv: Arxiv, answer: Answer
) -> None:
    server.put(query(str(ID)), answer)
    with pytest.raises(BadFeed):
        await arxiv.describe(ID)


async def test_requests_say_who_asks_and_what_may_come(server: FileServer, target: Path) -> None:
    server.put(PATH, Answer(body=PDF))
    async with open_arxiv(base=server.url("/")) as arxiv:
        await arxiv.fetch(ID, target)
    assert server.seen[0].headers["User-Agent"].startswith("tunedd-api/")
    assert server.seen[0].headers["Accept-Encoding"] == "identity"
