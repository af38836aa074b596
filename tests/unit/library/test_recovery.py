"""What a start mends: half-done work, half-done removals, lost and foreign files."""

from pathlib import Path

import pytest

from tests.world import SAMPLES, add_samples, ended, indexed, open_world
from tunedd_api.backends.database import open_database
from tunedd_api.backends.sqlite.store import SQLiteDocumentStore
from tunedd_api.library.model import Status
from tunedd_api.library.records import SqlDocumentRecords

PDFS = sorted(SAMPLES.glob("*.pdf"))


async def test_what_a_stopped_process_left_half_done_is_finished(tmp_path: Path) -> None:
    async with open_world(tmp_path) as services:
        await services.library.add(PDFS[0])
        # Ends here, most likely in the middle of the indexing.
    async with open_world(tmp_path) as services:
        (document,) = await services.library.list()
        assert (await ended(services, document.id)).status is Status.READY
        assert await services.library.search("citation")


async def test_passages_that_were_thrown_away_are_indexed_anew(tmp_path: Path) -> None:
    async with open_world(tmp_path) as services:
        documents = await add_samples(services)
    for name in ("passages.db", "passages.db-wal", "passages.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    async with open_world(tmp_path) as services:
        await services.folder.look()
        await indexed(services)
        hits = await services.library.search("citation retrieval", limit=20)
        assert {hit.document_id for hit in hits} == {document.id for document in documents}


@pytest.mark.parametrize("forget", [False, True])
async def test_a_removal_that_broke_off_is_finished_by_the_next_start(tmp_path: Path, forget: bool) -> None:
    async with open_world(tmp_path) as services:
        gone, kept = await add_samples(services)
        _, original = await services.library.file(gone.id)
    async with open_database("sqlite:tunedd.db", tmp_path) as database:
        # All that a process killed in the middle of a removal has done.
        await SqlDocumentRecords(database).remove(gone.id, forget=forget)
    async with open_world(tmp_path) as services:
        assert {hit.document_id for hit in await services.library.search("citation", limit=5)} == {kept.id}
    assert not original.exists()
    store = SQLiteDocumentStore(tmp_path / "passages.db")
    assert {one.meta["document_id"] for one in store.filter_documents()} == {kept.id}
    store.close()
    async with open_database("sqlite:tunedd.db", tmp_path) as database:
        # What was removed for good is known, and stays away; what was only to make way is not.
        assert await SqlDocumentRecords(database).is_deleted(gone.id) is not forget


async def test_passages_without_a_document_take_no_places(tmp_path: Path) -> None:
    async with open_world(tmp_path) as services:
        await add_samples(services)
    async with open_world(tmp_path, database_url="memory:") as services:
        one = await ended(services, (await services.library.add(PDFS[0])).id)
        hits = await services.library.search("citation retrieval quote", limit=5)
        assert [hit.document_id for hit in hits] == [one.id] * 5


async def test_the_files_of_another_database_stay_and_halves_of_copies_go(tmp_path: Path) -> None:
    async with open_world(tmp_path) as services:
        originals = [(await services.library.file(one.id))[1] for one in await add_samples(services)]
    half = originals[0].with_name("half.part")
    half.touch()
    (tmp_path / "tunedd.db").rename(tmp_path / "kept.db")
    async with open_world(tmp_path):
        assert not half.exists()
    assert all(original.exists() for original in originals)
