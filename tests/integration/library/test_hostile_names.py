"""Names that play tricks, on their way from a folder or an upload to whoever looks at them."""

import logging
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest
import structlog

from tests.pdfs import column, write_pdf
from tests.world import open_client, open_world, weightless
from tunedd_api.bootstrap import Services
from tunedd_api.cli import terminal
from tunedd_api.logs import set_up_logs

NAMES = {
    b"a\\b.pdf": "b.pdf",
    b"ok.pdf": "ok.pdf",
    "exe\u202efdp.pdf".encode(): "exefdp.pdf",
    b"\x1b[2J\x07.pdf": "[2J.pdf",
    b"new\nline.pdf": "new line.pdf",
    b"bees \xe9.pdf": "bees \ufffd.pdf",
    b"  .pdf": "unnamed.pdf",
    b"CON.pdf": "CON.pdf",
    "🐝.pdf".encode(): "🐝.pdf",
    b"x" * 251 + b".pdf": "x" * 251 + ".pdf",
}
"""Bytes on the disk, and what is shown of them."""
FORM = {"Content-Type": "multipart/form-data; boundary=bees"}
only_linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems forbid such names themselves")


def paper(path: Path, text: str) -> Path:
    return write_pdf(path, [column([text])])


def form(name: str, content: bytes) -> bytes:
    """An upload as no client writes it, with the name as it is."""
    head = f'--bees\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    return head.encode() + content + b"\r\n--bees--\r\n"


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    async with open_world(tmp_path) as opened:
        yield opened


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    (tmp_path / "papers").mkdir()
    async with open_client(weightless(tmp_path)) as opened:
        yield opened


@only_linux
async def test_files_of_a_folder_come_in_whatever_they_are_called(services: Services, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    (folder / "deeper").mkdir(parents=True)
    for number, name in enumerate(NAMES):
        paper(folder / os.fsdecode(name), f"Paper {number} is about bees.")
    paper(folder / "deeper" / "ok.pdf", "Another paper of that name.")
    await services.folder.look()
    documents = await services.library.list()
    assert sorted(one.file for one in documents) == sorted([*NAMES.values(), "ok.pdf"])
    assert all(one.title.isprintable() and one.title.strip() for one in documents)


@only_linux
async def test_what_only_looks_like_a_file_is_left_out_and_holds_up_nothing(
    services: Services, tmp_path: Path
) -> None:
    folder = tmp_path / "papers"
    (folder / "folder.pdf").mkdir(parents=True)
    paper(folder / "good.pdf", "This paper is about bees.")
    os.mkfifo(folder / "pipe.pdf")
    (folder / "zero.pdf").symlink_to("/dev/zero")
    (folder / "circle.pdf").symlink_to("circle.pdf")
    (folder / "gone.pdf").symlink_to("nothing.pdf")
    (folder / "around").symlink_to(folder)
    (folder / "empty.pdf").touch()
    await services.folder.look()
    assert [one.file for one in await services.library.list()] == ["good.pdf"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\papers\\bees.pdf", "bees.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("蜂" * 100 + ".pdf", "蜂" * 82 + "….pdf"),
        ("...", "unnamed.pdf"),
        ("bees\u0000.pdf", "bees.pdf"),
        ("nul.pdf", "nul.pdf"),
    ],
)
async def test_uploaded_name_is_shown_and_sent_plainly(
    client: httpx.AsyncClient, tmp_path: Path, name: str, shown: str
) -> None:
    content = paper(tmp_path / "upload.pdf", "This paper is about bees.").read_bytes()  # noqa: ASYNC240
    sent = await client.post("/documents", content=form(name, content), headers=FORM)
    assert sent.status_code == 202, sent.text
    assert sent.json()["file"] == shown
    back = await client.get(f"/documents/{sent.json()['id']}/file")
    assert back.content == content
    disposition = unquote(back.headers["content-disposition"])
    assert disposition.endswith((f"''{shown}", f'="{shown}"'))


def test_lines_for_the_terminal_hold_no_commands_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.say("\x1b[2J\x1b]0;title\x07a\u202eb.pdf: no PDF")
    assert capsys.readouterr().err == "[2J]0;titleab.pdf: no PDF\n"


@pytest.mark.parametrize("as_json", [False, True])
def test_log_holds_no_commands_for_a_terminal(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    before = logging.root.handlers[:], logging.root.level
    try:
        set_up_logs("INFO", as_json=as_json)
        structlog.get_logger("names").warning("folder.skipped", file="\x1b[2Ja\u202eb.pdf")
    finally:
        logging.root.handlers[:], logging.root.level = before
        structlog.reset_defaults()
    written = capsys.readouterr().err
    assert "[2Jab.pdf" in written
    assert "\x1b" not in written
