"""Files of a home that are damaged or gone while nothing runs: the next start says which, or mends it."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from tests.faults.invariants import violations
from tests.world import add_samples, open_client, open_world, weightless
from tunedd_api.backends.sqlite.driver import DamagedFile

PAGE = 4096
"""Bytes of a page of an SQLite file."""
FIRST_PAGES, ALL_BUT_THE_FIRST = (0, 2), (1, None)
"""Without its first page it is no database at all; with it, it still looks like one."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Left by a service that indexed the samples and answered a question."""
    home = tmp_path_factory.mktemp("whole") / "home"

    async def make() -> None:
        async with open_world(home) as services:
            await add_samples(services)
            conversation = await services.chat.start()
            await (await services.chat.ask(conversation.id, "How is a quotation verified?")).finished()

    anyio.run(make)
    return home


@pytest.fixture
def home(tmp_path: Path, whole: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "home"))


def overwrite(file: Path, first: int, last: int | None) -> None:
    """With random bytes, from one page up to another."""
    end = file.stat().st_size if last is None else last * PAGE
    with file.open("r+b") as opened:
        opened.seek(first * PAGE)
        opened.write(random.Random(1).randbytes(end - first * PAGE))


@pytest.mark.parametrize("files", [("passages.db",), ("passages.db", "passages.db-wal", "passages.db-shm")])
async def test_a_lost_passage_file_is_made_again(home: Path, files: tuple[str, ...]) -> None:
    for name in files:
        (home / name).unlink(missing_ok=True)
    async with open_client(weightless(home)) as client:
        assert (await client.get("/ready")).json()["documents"] == {"ready": 2}
        assert (await client.get("/search", params={"q": "quotation"})).json()
        assert len((await client.get("/conversations")).json()) == 1
    assert violations(home, settled=True) == []


@pytest.mark.parametrize("name", ["passages.db", "tunedd.db"])
@pytest.mark.parametrize("pages", [FIRST_PAGES, ALL_BUT_THE_FIRST])
async def test_a_damaged_file_is_named_at_the_start(
    home: Path, name: str, pages: tuple[int, int | None]
) -> None:
    overwrite(home / name, *pages)
    with pytest.raises(DamagedFile, match=rf"{name} is damaged or no database"):
        async with open_world(home):
            pass


def test_at_the_terminal_that_is_one_sentence(home: Path) -> None:
    overwrite(home / "passages.db", *FIRST_PAGES)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TUNEDD_")}
    environment |= {"TUNEDD_HOME": str(home), "TUNEDD_EMBEDDING_MODEL": "mock:", "TUNEDD_CHAT_MODEL": "echo:"}
    command = [sys.executable, "-m", "tunedd_api", "serve", "--port", "0"]
    ended = subprocess.run(
        command, env=environment, cwd=home.parent, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    said = "".join(ended.stderr.split("\n"))
    assert "passages.db is damaged" in said
    assert "Traceback" not in said


async def test_a_document_whose_file_is_gone_is_still_found(home: Path) -> None:
    shutil.rmtree(home / "files")
    async with open_world(home) as services:
        (hit, *_) = await services.library.search("quotation")
        assert (await services.library.get(hit.document_id)).status == "ready"
