"""The list of papers and what becomes of each of them."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.arxiv import Watch
from tests.file_server import Answer, FileServer, serve_files
from tunedd_api.backends.model_files.patience import Patience
from tunedd_api.library.arxiv.asking import Asking
from tunedd_api.library.arxiv.fetching import Arxiv
from tunedd_api.library.papers import Availability, BadPaperList, fetch_papers, read_papers

REPOSITORY = Path(__file__).parents[3]
PDF = b"%PDF-1.5\n" + b"paper" * 1000


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_files() as server:
        yield server


@asynccontextmanager
async def client_of(base: str) -> AsyncIterator[Arxiv]:
    patience = Patience(attempts=1, sleep=Watch().sleep)
    asking = Asking(httpx.AsyncClient, hosts=frozenset({base}), patience=patience)
    yield Arxiv(asking, base=base)
    await asking.close()


@pytest.fixture
async def arxiv(server: FileServer) -> AsyncIterator[Arxiv]:
    async with client_of(server.url("")) as arxiv:
        yield arxiv


@pytest.fixture
async def unreachable() -> AsyncIterator[Arxiv]:
    async with client_of("http://127.0.0.1:1") as arxiv:
        yield arxiv


def entry(file: str, *, sha256: str = "", **more: str) -> str:
    known = {"file": file, "title": "A title", "sha256": sha256 or hashlib.sha256(PDF).hexdigest()} | more
    lines = [f'{key} = "{value}"' for key, value in known.items()]
    return "\n".join(["[[paper]]", 'authors = ["One", "Two"]', "year = 2024", *lines, ""])


def write_list(folder: Path, *entries: str) -> Path:
    manifest = folder / "papers.toml"
    manifest.write_text("\n".join(entries))
    return manifest


async def test_missing_paper_is_fetched_and_one_that_is_there_is_not(
    server: FileServer, arxiv: Arxiv, tmp_path: Path
) -> None:
    server.put("/pdf/2401.0001", Answer(body=PDF))
    (tmp_path / "there.pdf").write_bytes(PDF)
    manifest = write_list(
        tmp_path, entry("new.pdf", arxiv_id="2401.0001"), entry("there.pdf", arxiv_id="2401.0002")
    )
    outcomes = await fetch_papers(manifest, tmp_path, arxiv=arxiv)
    assert [outcome.availability for outcome in outcomes] == [Availability.FETCHED, Availability.PRESENT]
    assert [seen.path for seen in server.seen] == ["/pdf/2401.0001"]
    assert (tmp_path / "new.pdf").read_bytes() == PDF


async def test_other_bytes_are_kept_and_reported(server: FileServer, arxiv: Arxiv, tmp_path: Path) -> None:
    server.put("/pdf/2401.0001", Answer(body=PDF))
    manifest = write_list(tmp_path, entry("new.pdf", arxiv_id="2401.0001", sha256="0" * 64))
    for _ in range(2):
        [outcome] = await fetch_papers(manifest, tmp_path, arxiv=arxiv)
        assert outcome.availability is Availability.DIFFERENT
        assert "bytes differ" in str(outcome.reason)
    assert (tmp_path / "new.pdf").read_bytes() == PDF
    assert len(server.seen) == 1


async def test_paper_without_an_id_is_reported_with_where_it_appeared(
    server: FileServer, arxiv: Arxiv, tmp_path: Path
) -> None:
    manifest = write_list(tmp_path, entry("old.pdf", note="A journal, 2009"))
    [outcome] = await fetch_papers(manifest, tmp_path, arxiv=arxiv)
    assert outcome.availability is Availability.UNAVAILABLE
    assert outcome.reason == "not on arXiv: A journal, 2009"
    assert server.seen == []


async def test_refused_paper_does_not_keep_the_next_from_coming(
    server: FileServer, arxiv: Arxiv, tmp_path: Path
) -> None:
    server.put("/pdf/2401.0002", Answer(body=PDF))
    manifest = write_list(
        tmp_path, entry("a.pdf", arxiv_id="2401.0001"), entry("b.pdf", arxiv_id="2401.0002")
    )
    outcomes = await fetch_papers(manifest, tmp_path, arxiv=arxiv)
    assert [outcome.availability for outcome in outcomes] == [
        Availability.UNAVAILABLE,
        Availability.FETCHED,
    ]
    assert "404" in str(outcomes[0].reason)


async def test_a_folder_that_cannot_be_written_to_is_told_of_and_not_raised(
    server: FileServer, arxiv: Arxiv, tmp_path: Path
) -> None:
    server.put("/pdf/2401.0001", Answer(body=PDF))
    manifest = write_list(tmp_path, entry("a.pdf", arxiv_id="2401.0001"))
    (tmp_path / "folder").write_text("a file in its place")
    [outcome] = await fetch_papers(manifest, tmp_path / "folder", arxiv=arxiv)
    assert outcome.availability is Availability.UNAVAILABLE
    assert "cannot be written" in str(outcome.reason)


async def test_giving_up_quickly_ends_with_the_first_failed_connection(
    unreachable: Arxiv, tmp_path: Path
) -> None:
    manifest = write_list(
        tmp_path, entry("a.pdf", arxiv_id="2401.0001"), entry("b.pdf", arxiv_id="2401.0002")
    )
    told: list[str] = []
    outcomes = await fetch_papers(
        manifest, tmp_path, arxiv=unreachable, give_up_quickly=True, progress=told.append
    )
    assert "cannot be reached" in str(outcomes[0].reason)
    assert outcomes[1].reason == "not tried, since arXiv cannot be reached"
    assert [text for text in told if "cannot be reached" in text] == [outcomes[0].reason]


async def test_without_hurry_every_paper_is_tried(unreachable: Arxiv, tmp_path: Path) -> None:
    manifest = write_list(
        tmp_path, entry("a.pdf", arxiv_id="2401.0001"), entry("b.pdf", arxiv_id="2401.0002")
    )
    outcomes = await fetch_papers(manifest, tmp_path, arxiv=unreachable)
    assert all("127.0.0.1 cannot be reached" in str(outcome.reason) for outcome in outcomes)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[paper]", "cannot be read"),
        ('[[paper]]\nfile = "a.pdf"', "paper 1: 'authors'"),
        (entry("a.pdf", colour="red"), "paper 1: .*colour"),
        (entry("../a.pdf"), "paper 1: file must be a name"),
        (entry("a.pdf", arxiv_id="../a"), "paper 1: Not an arXiv id"),
        (entry("a.pdf").replace("year", "arxiv_id = 2401.0001\nyear"), "paper 1: .*float"),
    ],
)
def test_faulty_list_is_named(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(BadPaperList, match=reason):
        read_papers(write_list(tmp_path, text))


def test_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadPaperList, match="cannot be read"):
        read_papers(tmp_path / "papers.toml")


def test_the_five_papers_are_listed_with_their_files_digests() -> None:
    folder = REPOSITORY.parent / "shared" / "papers" / "ai-agents"
    if not folder.is_dir():
        pytest.skip(f"no papers in {folder}")
    papers = read_papers(REPOSITORY / "data" / "papers.toml")
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.pdf")}
    assert {paper.sha256 for paper in papers} == digests
    assert len({paper.file for paper in papers}) == len(papers) == 5
