"""The library: taking in, syncing a folder, removing, searching."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import anyio
import pytest

from tests.world import SAMPLES, add_samples, ended, indexed, open_world, weightless
from tunedd_api.backends.passages import open_passages
from tunedd_api.bootstrap import HomeInUse, Services, open_services
from tunedd_api.errors import SetupError
from tunedd_api.library.model import (
    DocumentNotFound,
    EmptyQuery,
    EmptyScope,
    FileLost,
    NotAPdf,
    NothingReady,
    Status,
    UnknownDocuments,
)

PDFS = sorted(SAMPLES.glob("*.pdf"))


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    async with open_world(tmp_path) as opened:
        yield opened


def other_pdf(folder: Path) -> Path:
    """A PDF with other bytes than the samples; readers ignore what stands behind the end."""
    copy = folder / "other.pdf"
    copy.write_bytes(PDFS[0].read_bytes() + b"\n% another file\n")
    return copy


async def test_the_same_content_under_two_names_is_one_document(services: Services, tmp_path: Path) -> None:
    first = await services.library.add(PDFS[0])
    copy = shutil.copy(PDFS[0], tmp_path / "copy.pdf")
    assert (await services.library.add(Path(copy))).id == first.id
    assert [one.id for one in await services.library.list()] == [first.id]


async def test_a_document_knows_its_title_and_keeps_its_file(services: Services) -> None:
    document = await ended(services, (await services.library.add(PDFS[0])).id)
    assert document.status is Status.READY
    assert document.title != PDFS[0].stem
    _, path = await services.library.file(document.id)
    assert path.read_bytes() == PDFS[0].read_bytes()


async def test_a_file_that_is_no_pdf_is_refused(services: Services, tmp_path: Path) -> None:
    text = tmp_path / "text.pdf"
    text.write_text("Not a PDF.")
    with pytest.raises(NotAPdf, match=r"text\.pdf"):
        await services.library.add(text)


async def test_a_folder_is_synced_with_its_subfolders_and_a_bad_file_is_left_out(
    services: Services, tmp_path: Path
) -> None:
    folder = tmp_path / "papers"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    shutil.copy(PDFS[0], folder / "ONE.PDF")
    shutil.copy(PDFS[1], folder / "deep" / "er" / "two.pdf")
    (folder / "bad.pdf").write_text("Not a PDF.")
    shutil.copy(PDFS[0], folder / ".hidden" / "three.pdf")
    await services.folder.look()
    assert {one.file for one in await services.library.list()} == {"ONE.PDF", "two.pdf"}


async def test_a_missing_folder_is_an_empty_one(services: Services, tmp_path: Path) -> None:
    await services.folder.look()
    progress = await services.library.progress()
    assert progress.complete
    assert "TUNEDD_PAPERS" in (progress.problem or "")
    (tmp_path / "papers").mkdir()
    await services.folder.look()
    assert (await services.library.progress()).problem is None


async def test_a_deleted_document_does_not_come_back_with_its_folder_but_when_added(
    services: Services, tmp_path: Path
) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    shutil.copy(PDFS[0], folder)
    await services.folder.look()
    await indexed(services)
    (document,) = await services.library.list()
    await services.library.remove(document.id)
    await services.folder.look()
    assert await services.library.list() == []
    with pytest.raises(DocumentNotFound):
        await services.library.get(document.id)
    again = await ended(services, (await services.library.add(folder / PDFS[0].name)).id)
    assert (again.id, again.status) == (document.id, Status.READY)
    assert await services.library.search("citation")


async def test_samples_are_read_while_there_is_nothing_else_and_make_way(
    services: Services, tmp_path: Path
) -> None:
    folder = tmp_path / "papers"
    shutil.copytree(SAMPLES, folder / "samples")
    await services.folder.look()
    await indexed(services)
    assert {one.file for one in await services.library.list()} == {pdf.name for pdf in PDFS}
    paper = other_pdf(tmp_path)
    await services.library.add(paper)
    await services.folder.look()
    await indexed(services)
    assert [one.file for one in await services.library.list()] == [paper.name]
    assert {hit.file for hit in await services.library.search("citation")} == {paper.name}


async def test_search_names_document_title_and_page_and_the_text_stands_there(services: Services) -> None:
    documents = {document.id: document for document in await add_samples(services)}
    hits = await services.library.search("How is a quote verified?", limit=3)
    assert len(hits) == 3
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    for hit in hits:
        document = documents[hit.document_id]
        assert (hit.file, hit.title) == (document.file, document.title)
        assert 1 <= hit.page <= document.pages


async def test_search_is_limited_to_the_chosen_documents(services: Services) -> None:
    for document in await add_samples(services):
        hits = await services.library.search("retrieval and citations", document_ids=[document.id])
        assert {hit.document_id for hit in hits} == {document.id}


async def test_a_search_that_makes_no_sense_is_refused(services: Services) -> None:
    with pytest.raises(NothingReady):
        await services.library.search("anything")
    (document, _) = await add_samples(services)
    with pytest.raises(EmptyQuery):
        await services.library.search(" \n")
    with pytest.raises(EmptyScope):
        await services.library.search("anything", document_ids=[])
    with pytest.raises(UnknownDocuments, match="nowhere"):
        await services.library.search("anything", document_ids=[document.id, "nowhere"])


async def test_a_question_to_failed_documents_alone_says_so(services: Services, tmp_path: Path) -> None:
    await add_samples(services)
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7 nothing more")
    failed = await ended(services, (await services.library.add(broken)).id)
    assert (failed.status, bool(failed.error)) == (Status.FAILED, True)
    with pytest.raises(NothingReady, match="could be read"):
        await services.library.search("anything", document_ids=[failed.id])
    assert await services.library.search("citation")


async def test_a_deleted_document_is_found_no_more(services: Services) -> None:
    first, second = await add_samples(services)
    await services.library.remove(first.id)
    assert {hit.document_id for hit in await services.library.search("citation retrieval")} == {second.id}
    with pytest.raises(UnknownDocuments):
        await services.library.search("citation", document_ids=[first.id])


async def test_two_services_on_one_home_the_second_says_so(tmp_path: Path) -> None:
    async with open_world(tmp_path):
        with pytest.raises(HomeInUse, match="Another Tunedd process"):
            async with open_world(tmp_path):
                pass


async def test_a_reader_works_beside_the_one_that_indexes(tmp_path: Path) -> None:
    async with open_world(tmp_path) as services:
        await add_samples(services)
        async with open_services(weightless(tmp_path), indexes=False, answers=False) as reader:
            found = await reader.library.search("citation")
            assert found == await services.library.search("citation")


async def test_a_failed_document_is_tried_again_when_it_is_added_again(tmp_path: Path) -> None:
    async with open_world(tmp_path, max_pages=1) as services:
        failed = await ended(services, (await services.library.add(PDFS[0])).id)
        assert failed.status is Status.FAILED
    async with open_world(tmp_path) as services:
        again = await ended(services, (await services.library.add(PDFS[0])).id)
        assert (again.status, again.error) == (Status.READY, None)


async def test_removing_and_adding_the_same_paper_at_once_leaves_no_document_without_its_file(
    services: Services,
) -> None:
    (document, _) = await add_samples(services)

    async def remove() -> None:
        with suppress(DocumentNotFound):
            await services.library.remove(document.id)

    for _ in range(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(remove)
            tasks.start_soon(services.library.add, PDFS[0])
        for one in await services.library.list():
            assert (await ended(services, one.id)).status is Status.READY
            _, path = await services.library.file(one.id)
            assert path.exists()


async def test_a_document_whose_file_is_lost_is_healed_by_adding_it_again(services: Services) -> None:
    (document, _) = await add_samples(services)
    _, path = await services.library.file(document.id)
    await anyio.Path(path).unlink()
    with pytest.raises(FileLost, match="Add it again"):
        await services.library.file(document.id)
    assert (await services.library.add(PDFS[0])).status is Status.READY
    assert (await services.library.file(document.id))[1].exists()


async def test_a_file_whose_name_is_no_text_is_taken_in(services: Services, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    shutil.copy(PDFS[0], folder / os.fsdecode(b"\xe9.pdf"))
    await services.folder.look()
    await indexed(services)
    (document,) = await services.library.list()
    assert document.file == "\ufffd.pdf"


async def test_another_embedding_model_over_the_same_passages_is_said_at_the_start(tmp_path: Path) -> None:
    async with open_world(tmp_path) as services:
        await add_samples(services)
    with pytest.raises(SetupError, match="delete the file"):
        async with open_passages("sqlite:passages.db", tmp_path, dimension=384):
            pass


async def test_a_database_that_is_none_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "tunedd.db").write_text("This is not a database, but a long enough text. " * 50)
    with pytest.raises(SetupError, match="damaged"):
        async with open_world(tmp_path):
            pass
