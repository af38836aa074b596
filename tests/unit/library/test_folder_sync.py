"""The papers folder: what appears, changes, has two names, or is one of a thousand."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from tests.long_papers import long_paper, under_way
from tests.pdfs import column, write_pdf
from tests.world import SAMPLES, ended, indexed, open_world
from tunedd_api.bootstrap import Services
from tunedd_api.library.model import Document, DocumentNotFound, Status

PDFS = sorted(SAMPLES.glob("*.pdf"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    papers = tmp_path / "papers"
    papers.mkdir()
    return papers


@pytest.fixture
async def services(tmp_path: Path, folder: Path) -> AsyncIterator[Services]:
    async with open_world(tmp_path) as opened:
        yield opened


def paper(folder: Path, name: str, word: str) -> Path:
    lines = [f"All about {word}", f"A {word} keeps a log. The log of a {word} is read by another {word}."]
    return write_pdf(folder / name, [column(lines)])


async def documents(services: Services) -> dict[str, Document]:
    return {one.id: one for one in await services.library.list(limit=1000)}


async def taken_in(services: Services) -> list[str]:
    """Files of the ready documents after a look at the folder."""
    await services.folder.look()
    await indexed(services)
    return sorted(one.file for one in (await documents(services)).values() if one.status is Status.READY)


async def test_a_file_that_appears_is_taken_in_while_the_service_runs(
    services: Services, folder: Path
) -> None:
    services.tasks.start_soon(services.folder.watch, 0.02)
    with anyio.fail_after(30):
        while not services.folder.complete:
            await anyio.sleep(0.01)
        paper(folder, "new.pdf", "otter")
        while not [one for one in (await documents(services)).values() if one.status is Status.READY]:
            await anyio.sleep(0.01)
    assert await services.library.search("otter")


async def test_a_file_that_is_being_written_is_left_until_it_rests(services: Services, folder: Path) -> None:
    await services.folder.look()
    file = paper(folder, "growing.pdf", "otter")
    whole = file.read_bytes()
    for length in (100, 200, len(whole)):
        file.write_bytes(whole[:length])
        await services.folder.look(settled=True)
        assert await documents(services) == {}
    await services.folder.look(settled=True)
    (document,) = (await documents(services)).values()
    assert (await ended(services, document.id)).status is Status.READY


async def test_one_file_under_two_names_is_one_document_and_losing_a_name_loses_nothing(
    services: Services, folder: Path
) -> None:
    one = paper(folder, "one.pdf", "otter")
    shutil.copy(one, folder / "another.pdf")
    assert len(await taken_in(services)) == 1
    one.unlink()
    (folder / "another.pdf").unlink()
    assert len(await taken_in(services)) == 1


async def test_two_files_of_one_name_are_two_documents(services: Services, folder: Path) -> None:
    for word in ("otter", "heron"):
        (folder / word).mkdir()
        paper(folder / word, "paper.pdf", word)
    assert await taken_in(services) == ["paper.pdf", "paper.pdf"]
    found = {(await services.library.search(word, limit=1))[0].document_id for word in ("otter", "heron")}
    assert found == set(await documents(services))


async def test_a_changed_file_replaces_its_document_once_the_new_one_is_ready(
    services: Services, folder: Path
) -> None:
    paper(folder, "paper.pdf", "otter")
    await taken_in(services)
    (old,) = await documents(services)
    conversation = await services.chat.start([old])
    long_paper(folder, "paper.pdf")
    await services.folder.look()
    (new,) = (await documents(services)).keys() - {old}
    await under_way(services, new)
    await services.folder.look()
    # The old one still answers.
    assert {hit.document_id for hit in await services.library.search("otter")} == {old}
    await ended(services, new)
    await services.folder.look()
    assert list(await documents(services)) == [new]
    assert (await services.chat.get(conversation.id)).document_ids == (new,)


async def test_a_file_that_changed_into_something_unreadable_leaves_the_old_document_serving(
    services: Services, folder: Path
) -> None:
    file = paper(folder, "paper.pdf", "otter")
    await taken_in(services)
    (old,) = await documents(services)
    file.write_bytes(b"%PDF-1.7 nothing more")
    await taken_in(services)
    file.write_text("No PDF at all.")
    await taken_in(services)
    assert (await services.library.get(old)).status is Status.READY
    paper(folder, "paper.pdf", "heron")
    await taken_in(services)
    await taken_in(services)
    with pytest.raises(DocumentNotFound):
        await services.library.get(old)
    (ready,) = (await documents(services)).values()
    assert [hit.document_id for hit in await services.library.search("heron", limit=1)] == [ready.id]


async def test_of_a_file_that_changes_again_and_again_only_the_last_is_left(
    services: Services, folder: Path
) -> None:
    paper(folder, "paper.pdf", "otter")
    await taken_in(services)
    for word in ("heron", "zebra", "walrus"):
        # Not waited for: each is replaced before it is ready, or right after.
        paper(folder, "paper.pdf", word)
        await services.folder.look()
    await taken_in(services)
    await services.folder.look()
    (last,) = await documents(services)
    assert [hit.document_id for hit in await services.library.search("walrus", limit=1)] == [last]


async def test_a_file_that_changes_and_is_renamed_at_once_is_replaced_all_the_same(
    services: Services, folder: Path
) -> None:
    old = paper(folder, "paper.pdf", "otter")
    await taken_in(services)
    paper(folder, "paper.pdf", "heron")
    await services.folder.look()
    await anyio.Path(old).rename(folder / "renamed.pdf")
    await taken_in(services)
    await services.folder.look()
    (new,) = await documents(services)
    assert [hit.document_id for hit in await services.library.search("heron", limit=1)] == [new]


async def test_what_changed_while_its_disk_was_away_is_replaced_when_it_is_back(
    services: Services, folder: Path, tmp_path: Path
) -> None:
    paper(folder, "paper.pdf", "otter")
    await taken_in(services)
    there, elsewhere = anyio.Path(folder), anyio.Path(tmp_path / "elsewhere")
    await there.rename(elsewhere)
    await there.mkdir()
    await services.folder.look()
    await there.rmdir()
    await elsewhere.rename(there)
    paper(folder, "paper.pdf", "heron")
    await taken_in(services)
    await services.folder.look()
    (new,) = await documents(services)
    assert [hit.document_id for hit in await services.library.search("heron", limit=1)] == [new]


async def test_a_document_that_was_asked_for_outlives_the_change_of_a_file(
    services: Services, folder: Path
) -> None:
    file = paper(folder, "paper.pdf", "otter")
    asked_for = (await services.library.add(file)).id
    await taken_in(services)
    paper(folder, "paper.pdf", "heron")
    await taken_in(services)
    await services.folder.look()
    assert asked_for in await documents(services)
    assert len(await documents(services)) == 2


async def test_a_file_that_was_refused_is_looked_at_again_by_the_next_start(
    tmp_path: Path, folder: Path
) -> None:
    (folder / "large.pdf").write_bytes(PDFS[0].read_bytes() + b"%" * (2 << 20))
    async with open_world(tmp_path, max_upload_mb=1) as services:
        assert await taken_in(services) == []
        await services.folder.look(settled=True)
        assert await documents(services) == {}
    async with open_world(tmp_path) as services:
        assert await taken_in(services) == ["large.pdf"]


async def test_a_folder_that_goes_and_comes_back_changes_nothing(
    services: Services, folder: Path, tmp_path: Path
) -> None:
    paper(folder, "paper.pdf", "otter")
    await taken_in(services)
    before = await documents(services)
    there, elsewhere = anyio.Path(folder), anyio.Path(tmp_path / "elsewhere")
    await there.rename(elsewhere)
    await services.folder.look()
    await there.mkdir()
    await services.folder.look()
    assert await documents(services) == before
    await there.rmdir()
    await elsewhere.rename(there)
    assert await taken_in(services) == ["paper.pdf"]
    assert await documents(services) == before


async def test_a_file_that_is_changed_back_keeps_its_document(services: Services, folder: Path) -> None:
    file = paper(folder, "paper.pdf", "otter")
    before = file.read_bytes()
    await taken_in(services)
    (old,) = await documents(services)
    file.write_bytes(b"%PDF-1.7 nothing more")
    await taken_in(services)
    file.write_bytes(before)
    await taken_in(services)
    assert (await services.library.get(old)).status is Status.READY


async def test_only_what_changed_is_read_again_by_the_next_start(tmp_path: Path, folder: Path) -> None:
    file = paper(folder, "paper.pdf", "otter")
    async with open_world(tmp_path) as services:
        await taken_in(services)
        (old,) = await documents(services)
    content = file.read_bytes()
    status = file.stat()
    async with open_world(tmp_path) as services:
        await services.folder.look()
        assert list(await documents(services)) == [old]
    assert (file.read_bytes(), file.stat().st_mtime_ns) == (content, status.st_mtime_ns)
    paper(folder, "paper.pdf", "heron")
    async with open_world(tmp_path) as services:
        await taken_in(services)
        await services.folder.look()
        assert old not in await documents(services)


async def test_a_folder_of_a_thousand_files_is_taken_in_whole(services: Services, folder: Path) -> None:
    for number in range(1000):
        paper(folder, f"{number}.pdf", f"animal{number}")
    services.tasks.start_soon(services.folder.watch, 0)
    with anyio.fail_after(240):
        while not (progress := await services.library.progress()).complete:
            # It says how far it is all the while; the one being taken in may count twice.
            assert progress.files_left + sum(progress.documents.values()) <= 1001
            await anyio.sleep(0.2)
    assert progress.documents == {"ready": 1000}
    assert (await services.library.search("animal777", limit=1))[0].file == "777.pdf"
