"""A reader that is killed costs no paper: the one it was reading is read again."""

import os
from pathlib import Path

import httpx
import pytest

from tests.faults.life import READER, alive, start, strike
from tests.faults.promises import all_documents, settle
from tests.pdfs import column, write_pdf
from tests.serving import wait_for

LINE = "Many words of a long paper are read here, one line after the other, until all are read."


@pytest.fixture
def long_paper(tmp_path: Path) -> bytes:
    """Some seconds' reading, so that there is time to kill its reader."""
    page = column([f"{LINE} {row}" for row in range(50)])
    return write_pdf(tmp_path / "long.pdf", [page] * 120).read_bytes()


def test_a_good_paper_survives_the_death_of_its_reader(tmp_path: Path, long_paper: bytes) -> None:
    (tmp_path / "papers").mkdir()
    settings = {"TUNEDD_EMBEDDING_MODEL": "mock:", "TUNEDD_CHAT_MODEL": "echo:"}
    life = start(tmp_path / "home", tmp_path / "papers", tmp_path / "models", tmp_path / "log", **settings)
    try:
        with httpx.Client(base_url=life.address(), timeout=60) as client:
            sent = client.post("/documents", files={"file": ("long.pdf", long_paper)})
            assert sent.status_code == 202
            # The very first reader, with its very first file.
            reader = wait_for(lambda: life.child(READER), "a reader", life.log)
            wait_for(lambda: _busy(reader), "it to read", life.log)
            assert strike(reader)
            settle(client)
            (document,) = all_documents(client)
            assert life.child(READER) != reader
            assert (document["status"], document["error"]) == ("ready", None)
    finally:
        life.kill()
    assert not alive(reader)


def _busy(pid: int) -> bool:
    """It has the paper open."""
    try:
        opened = [os.readlink(one) for one in Path(f"/proc/{pid}/fd").iterdir()]
    except FileNotFoundError:
        # One was closed between the two looks.
        return False
    return any(file.endswith(".pdf") for file in opened)
