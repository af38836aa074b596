"""Processes of `tunedd worker`: woken through Celery and Redis, or by nobody; one is killed in its work."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import anyio
import asyncpg
import pytest
from anyio import to_thread

from tests.long_papers import long_paper
from tests.servers.finding import free_port
from tests.world import ROOT, SAMPLES, open_world
from tunedd_api.bootstrap import Services
from tunedd_api.errors import Unavailable
from tunedd_api.library.model import Document, Status

WITHIN = 180.0
WORDS = ("otter", "heron", "zebra", "walrus", "badger", "magpie")
PDFS = sorted(SAMPLES.glob("*.pdf"))


class Stack:
    def __init__(self, home: Path, database_url: str, passages_url: str, jobs_url: str) -> None:
        self.home = home
        self.urls = {"database_url": database_url, "passages_url": passages_url, "jobs_url": jobs_url}

    @contextmanager
    def worker(self) -> Iterator[subprocess.Popen[bytes]]:
        """The real command, once it waits for work."""
        settings = {f"TUNEDD_{name.upper()}": value for name, value in self.urls.items()}
        settings["TUNEDD_HOME"] = str(self.home)
        settings |= {"TUNEDD_EMBEDDING_MODEL": "mock:", "TUNEDD_CHAT_MODEL": "echo:"}
        log = self.home / f"worker-{time.monotonic_ns()}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "tunedd_api", "worker"],
                env={**os.environ, **settings},
                cwd=ROOT,
                stdout=output,
                stderr=output,
            )
        try:
            deadline = time.monotonic() + WITHIN
            while b"waits for documents" not in log.read_bytes():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def stack(tmp_path: Path, postgres_url: str, weaviate_url: str, redis_url: str) -> Stack:
    return Stack(tmp_path, postgres_url, weaviate_url, redis_url)


async def all_ended(services: Services, expected: int) -> list[Document]:
    with anyio.fail_after(WITHIN):
        while True:
            documents = await services.library.list(limit=1000)
            if len(documents) == expected and all(one.status.ended for one in documents):
                return documents
            await anyio.sleep(0.1)


async def stored(services: Services) -> dict[str, int]:
    (index,) = services.indexes
    return await index.indexing.counts()


async def test_workers_index_what_a_service_takes_in_and_a_killed_ones_document_is_taken_up(
    stack: Stack, tmp_path: Path
) -> None:
    async with open_world(stack.home, works=False, **stack.urls) as services:
        with ExitStack() as workers:
            first = await to_thread.run_sync(workers.enter_context, stack.worker())
            await to_thread.run_sync(workers.enter_context, stack.worker())
            for word in WORDS:
                await services.library.add(long_paper(tmp_path, f"{word}.pdf", pages=60, word=word))
            with anyio.fail_after(WITHIN):
                while not any(one.status is Status.READY for one in await services.library.list()):
                    await anyio.sleep(0.01)
            first.send_signal(signal.SIGKILL)
            documents = await all_ended(services, len(WORDS))
            # Its leases end a minute after they were last renewed.
            assert {one.status for one in documents} == {Status.READY}
            assert await stored(services) == {one.id: one.passages for one in documents}
            for word in WORDS:
                assert await services.library.search(word, limit=1)


async def test_without_messages_workers_look_by_themselves_and_a_service_says_what_is_missing(
    stack: Stack,
) -> None:
    stack.urls["jobs_url"] = f"redis://127.0.0.1:{free_port()}/0"
    async with open_world(stack.home, works=False, **stack.urls) as services:
        with pytest.raises(Unavailable, match="Redis at 127.0.0.1"):
            await services.checks()["jobs"]()
        await services.library.add(PDFS[0])
        stack.urls["jobs_url"] = "local:"
        with stack.worker():
            (document,) = await all_ended(services, 1)
            assert document.status is Status.READY


async def test_a_worker_whose_work_breaks_down_ends_and_says_why(stack: Stack) -> None:
    """Alive and silent it would be neither started again nor missed."""
    with stack.worker() as process:
        connection = await asyncpg.connect(stack.urls["database_url"])
        try:
            await connection.execute("DROP TABLE indexings")
        finally:
            await connection.close()
        assert await to_thread.run_sync(process.wait, WITHIN) not in (0, None)
    (log,) = stack.home.glob("worker-*.log")
    assert "indexings" in await anyio.Path(log).read_text()


async def test_a_worker_ends_on_request(stack: Stack) -> None:
    with stack.worker() as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
