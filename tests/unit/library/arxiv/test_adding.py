"""Papers from a stand-in for arXiv, into a real library."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest

from tests.arxiv import entry, feed, paper, publish, query
from tests.file_server import Answer, FileServer
from tests.pdfs import Text, column, write_pdf
from tests.world import ended, open_world
from tunedd_api.backends.database import open_database
from tunedd_api.bootstrap import Services
from tunedd_api.library.arxiv.adding import MOST_WAITING, ArxivPapers
from tunedd_api.library.arxiv.cache import MetadataCache
from tunedd_api.library.arxiv.fetching import Arxiv
from tunedd_api.library.arxiv.model import (
    ArxivBusy,
    NotAnArxivId,
    PaperNotFound,
    PaperUnavailable,
)
from tunedd_api.library.model import Document, Status
from tunedd_api.library.records import SqlDocumentRecords

ID = "2402.03578v1"
BARE = "2402.03578"
TITLE = "LLM Multi-Agent Systems: Challenges and Open Problems"


class Calendar:
    """What day it is, as the test wants."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    async with open_world(tmp_path) as opened:
        yield opened


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
async def papers(
    services: Services, arxiv: Arxiv, tmp_path: Path, calendar: Calendar
) -> AsyncIterator[ArxivPapers]:
    async with open_database("sqlite:tunedd.db", tmp_path) as database:
        yield ArxivPapers(
            library=services.library,
            records=SqlDocumentRecords(database),
            arxiv=arxiv,
            cache=MetadataCache(tmp_path / "arxiv", now=calendar),
        )


def stamped(path: Path, id: str) -> Path:
    """A PDF that says in its margin which paper it is."""
    title = Text(text="Something Else Entirely", y=700, size=18)
    stamp = Text(text=f"arXiv:{id} [cs.CY] 17 May 2024", x=20, y=300, size=20)
    body = column(["Agents talk to each other in many ways."] * 5, top=600)
    return write_pdf(path, [[title, stamp, *body]])


def paths(server: FileServer) -> list[str]:
    return [seen.path for seen in server.seen]


async def test_a_paper_is_fetched_described_and_indexed(
    server: FileServer, papers: ArxivPapers, services: Services
) -> None:
    publish(server, ID)
    added = await papers.add(ID)
    document = await ended(services, added.id)
    assert document.status is Status.READY
    for one in (added, document):
        assert (one.title, one.authors, one.year) == (TITLE, ("Shanshan Han", "Qifan Zhang"), 2024)
        assert (one.arxiv_id, one.categories) == (ID, ("cs.MA", "cs.AI"))
        assert one.file == f"{ID}.pdf"
    _, path = await services.library.file(document.id)
    assert path.read_bytes() == paper(ID)


async def test_a_version_is_fetched_once_however_it_is_named(
    server: FileServer, papers: ArxivPapers, services: Services
) -> None:
    publish(server, ID, newest_of=BARE)
    first = await papers.add(f"https://arxiv.org/pdf/{ID}.pdf")
    for reference in (ID, f"arXiv:{ID}", BARE, f"arxiv.org/abs/{BARE}"):
        assert (await papers.add(reference)).id == first.id
    assert paths(server) == ["/api/query", f"/pdf/{ID}", "/api/query"]
    assert len(await services.library.list()) == 1


async def test_the_newest_version_is_looked_up_again_the_next_day(
    server: FileServer, papers: ArxivPapers, calendar: Calendar
) -> None:
    publish(server, ID, newest_of=BARE)
    first = await papers.add(BARE)
    publish(server, "2402.03578v2", newest_of=BARE)
    assert (await papers.add(BARE)).id == first.id
    calendar.now += timedelta(days=1)
    second = await papers.add(BARE)
    assert (first.arxiv_id, second.arxiv_id) == (ID, "2402.03578v2")
    assert (await papers.add(ID)).id == first.id


async def test_an_old_id_with_its_subject_class_is_one_document_with_a_plain_file_name(
    server: FileServer, papers: ArxivPapers
) -> None:
    publish(server, "math/0309136v1")
    document = await papers.add("math.GT/0309136v1")
    assert (document.arxiv_id, document.file) == ("math/0309136v1", "math-0309136v1.pdf")
    assert (await papers.add("math/0309136v1")).id == document.id


async def test_a_removed_paper_comes_back_with_its_description_kept(
    server: FileServer, papers: ArxivPapers, services: Services
) -> None:
    publish(server, ID)
    document = await papers.add(ID)
    await services.library.remove(document.id)
    again = await ended(services, (await papers.add(ID)).id)
    assert (again.id, again.status, again.title) == (document.id, Status.READY, TITLE)
    assert paths(server) == ["/api/query", f"/pdf/{ID}", f"/pdf/{ID}"]


async def test_many_who_want_the_same_paper_at_once_get_one_document_of_one_fetch(
    server: FileServer, papers: ArxivPapers
) -> None:
    publish(server, ID, newest_of=BARE)
    found: list[Document] = []

    async def add(reference: str) -> None:
        found.append(await papers.add(reference))

    async with anyio.create_task_group() as tasks:
        for reference in [ID, BARE, f"arXiv:{ID}"] * 3:
            tasks.start_soon(add, reference)
    assert len({document.id for document in found}) == 1
    assert len(found) == 9
    assert paths(server).count(f"/pdf/{ID}") == 1


async def test_a_file_that_calls_itself_a_paper_of_arxiv_does_not_stand_in_for_it(
    server: FileServer, papers: ArxivPapers, services: Services, tmp_path: Path
) -> None:
    publish(server, "2401.13138v6")
    copy = stamped(tmp_path / "stamped.pdf", "2401.13138v6")
    known = await ended(services, (await services.library.add(copy)).id)
    assert known.arxiv_id == "2401.13138v6"
    fetched = await papers.add("2401.13138v6")
    assert (fetched.title, fetched.file) == (TITLE, "2401.13138v6.pdf")
    assert await services.library.get(known.id) == known
    assert (await papers.add("2401.13138v6")).id == fetched.id != known.id


async def test_what_arxiv_said_of_a_copy_with_the_same_bytes_outranks_what_was_read(
    server: FileServer, papers: ArxivPapers, services: Services, tmp_path: Path
) -> None:
    publish(server, ID)
    copy = tmp_path / "copy.pdf"
    copy.write_bytes(paper(ID))
    known = await ended(services, (await services.library.add(copy)).id)
    assert known.title == "A Paper That Says Another Title"
    document = await papers.add(ID)
    assert (document.id, document.title, document.arxiv_id) == (known.id, TITLE, ID)


async def test_a_paper_whose_file_is_lost_is_fetched_again(
    server: FileServer, papers: ArxivPapers, services: Services
) -> None:
    publish(server, ID)
    document = await papers.add(ID)
    _, path = await services.library.file(document.id)
    await anyio.Path(path).unlink()
    assert (await papers.add(ID)).id == document.id
    assert path.exists()


async def test_a_failed_paper_is_tried_again_without_fetching(
    server: FileServer, papers: ArxivPapers, services: Services
) -> None:
    publish(server, ID, pdf=b"%PDF-1.7 and then nothing")
    failed = await ended(services, (await papers.add(ID)).id)
    assert (failed.status, failed.title) == (Status.FAILED, TITLE)
    assert (await papers.add(ID)).status is not Status.FAILED
    assert paths(server).count(f"/pdf/{ID}") == 1


@pytest.mark.parametrize(
    ("described", "pdf", "error"),
    [
        (Answer(body=feed()), Answer(body=paper(ID)), PaperNotFound),
        (Answer(status=404), Answer(body=paper(ID)), PaperNotFound),
        (Answer(body=feed(entry(ID))), Answer(status=404), PaperNotFound),
        (Answer(body=feed(entry(ID))), Answer(body=b"<html>Wait</html>" * 100), PaperUnavailable),
        (Answer(body=b"Rate exceeded."), Answer(body=paper(ID)), PaperUnavailable),
        (Answer(status=429), Answer(body=paper(ID)), PaperUnavailable),
    ],
)
async def test_what_cannot_be_had_leaves_no_document(
    server: FileServer,
    papers: ArxivPapers,
    services: Services,
    described: Answer,
    pdf: Answer,
    error: type[Exception],
) -> None:
    server.put(query(ID), described)
    server.put(f"/pdf/{ID}", pdf)
    with pytest.raises(error):
        await papers.add(ID)
    assert await services.library.list() == []


async def test_what_is_no_id_is_not_asked_for(server: FileServer, papers: ArxivPapers) -> None:
    with pytest.raises(NotAnArxivId):
        await papers.add("https://example.org/abs/2402.03578")
    assert server.seen == []


async def test_only_so_many_may_wait(server: FileServer, papers: ArxivPapers) -> None:
    ids = [f"2402.{number:05}v1" for number in range(1, MOST_WAITING + 3)]
    refused: list[str] = []

    async def add(id: str) -> None:
        try:
            await papers.add(id)
        except ArxivBusy:
            refused.append(id)
        except PaperNotFound:
            pass

    async with anyio.create_task_group() as tasks:
        for id in ids:
            tasks.start_soon(add, id)
    assert len(refused) == 2
    assert len(server.seen) == MOST_WAITING
