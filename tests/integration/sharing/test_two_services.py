"""Two services over one PostgreSQL and one Weaviate: each knows what the other does, none does it twice."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.long_papers import long_paper, under_way
from tests.world import SAMPLES, ended, open_world
from tunedd_api.bootstrap import Services
from tunedd_api.bootstrap.indexes import GRACE
from tunedd_api.chat.model import AnswerRunning, MessageStatus
from tunedd_api.errors import SetupError
from tunedd_api.library.model import Status

PDFS = sorted(SAMPLES.glob("*.pdf"))
WITHIN = 60.0


class Stack:
    """The servers and the folder that all services share."""

    def __init__(self, home: Path, database_url: str, passages_url: str) -> None:
        self.home = home
        self._urls: dict[str, Any] = {"database_url": database_url, "passages_url": passages_url}

    @asynccontextmanager
    async def service(self, **changes: Any) -> AsyncIterator[Services]:
        async with open_world(self.home, **self._urls, **changes) as services:
            yield services


@pytest.fixture
def stack(tmp_path: Path, postgres_url: str, weaviate_url: str) -> Stack:
    return Stack(tmp_path, postgres_url, weaviate_url)


async def found(services: Services, question: str) -> set[str]:
    return {hit.document_id for hit in await services.library.search(question, limit=5)}


async def test_what_is_added_to_one_is_found_by_both_and_gone_from_both(stack: Stack) -> None:
    async with stack.service() as one, stack.service() as other:
        document = await ended(other, (await one.library.add(PDFS[0])).id)
        assert document.status is Status.READY
        assert await found(one, "citation") == await found(other, "citation") == {document.id}
        await other.library.remove(document.id)
        assert await one.library.list() == []


async def test_both_index_and_nothing_is_there_twice(stack: Stack, tmp_path: Path) -> None:
    async with stack.service() as one, stack.service() as other:
        added = [
            await one.library.add(long_paper(tmp_path, f"{word}.pdf", pages=20, word=word))
            for word in ("otter", "heron", "zebra", "walrus", "badger", "magpie")
        ]
        for document in added:
            ready = await ended(other, document.id)
            assert ready.status is Status.READY
        expected = {document.id: (await other.library.get(document.id)).passages for document in added}
        for services in (one, other):
            (index,) = services.indexes
            assert await index.indexing.counts() == expected


async def test_a_document_whose_service_ended_is_taken_up_by_the_other(stack: Stack, tmp_path: Path) -> None:
    async with stack.service() as other:
        async with stack.service() as one:
            document = await one.library.add(long_paper(tmp_path, pages=100))
            await under_way(one, document.id)
        assert (await ended(other, document.id)).status is Status.READY


async def test_both_follow_when_a_third_brings_another_embedding_model(stack: Stack) -> None:
    async with stack.service() as one:
        document = await ended(one, (await one.library.add(PDFS[0])).id)
        async with stack.service(embedding_model="mock:64") as other:
            with anyio.fail_after(WITHIN + GRACE):
                while [index.row.dimension for index in one.indexes] != [64]:
                    assert await found(one, "citation") == {document.id}
                    await anyio.sleep(0.05)
            assert await found(one, "citation") == await found(other, "citation") == {document.id}


async def test_one_of_them_looks_at_the_folder_and_another_when_it_ends(stack: Stack) -> None:
    papers = stack.home / "papers"
    papers.mkdir()
    (papers / "first.pdf").write_bytes(PDFS[0].read_bytes())
    async with stack.service(watch_seconds=0.1) as other:
        async with stack.service(watch_seconds=0.1) as one:
            one.tasks.start_soon(one.watch_folder)
            await until(other, documents=1)
            other.tasks.start_soon(other.watch_folder)
        (papers / "second.pdf").write_bytes(PDFS[1].read_bytes())
        await until(other, documents=2)


async def until(services: Services, *, documents: int) -> None:
    with anyio.fail_after(WITHIN):
        while len(await services.library.list()) < documents:
            await anyio.sleep(0.05)


async def test_a_conversation_is_answered_by_one_at_a_time_and_read_by_both(stack: Stack) -> None:
    async with stack.service() as one, stack.service() as other:
        await ended(one, (await one.library.add(PDFS[0])).id)
        conversation = await one.chat.start()
        run = await one.chat.ask(conversation.id, "What is a citation?")
        try:
            await other.chat.ask(conversation.id, "And what is a quote?")
        except AnswerRunning:
            pass
        else:  # The first may have been quicker.
            assert (await run.finished()).status is MessageStatus.COMPLETE
        await run.finished()
        messages = await other.chat.messages(conversation.id)
        assert messages[1].status is MessageStatus.COMPLETE


async def test_jobs_for_workers_need_stores_that_are_shared(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="TUNEDD_DATABASE_URL to postgresql"):
        async with open_world(tmp_path, jobs_url="redis://127.0.0.1:1/0"):
            pass
