"""What lies in a folder under the name of a PDF."""

import os
import socket
import sys
from pathlib import Path

import pytest

from tests.pdfs import column, write_pdf
from tunedd_api.library.admission import FileTooLarge, NotAFile, admit
from tunedd_api.library.model import NotAPdf

MEGABYTE = 1 << 20
only_unix = pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes in folders")


def test_pdf_is_let_in(tmp_path: Path) -> None:
    paper = write_pdf(tmp_path / "paper.pdf", [column(["Bees make honey."])])
    admit(paper, largest=MEGABYTE)
    paper.write_bytes(b"x" * 1024 + paper.read_bytes())
    admit(paper, largest=MEGABYTE)


@pytest.mark.parametrize("content", [b"", b"Not a PDF.", b"x" * 1025 + b"%PDF-1.7", b"%PDF"])
def test_file_without_a_signature_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "text.pdf"
    path.write_bytes(content)
    with pytest.raises(NotAPdf, match=r"text\.pdf"):
        admit(path, largest=MEGABYTE)


def test_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.pdf"
    with path.open("wb") as file:
        file.write(b"%PDF-1.7\n")
        file.truncate(5 << 30)
    with pytest.raises(FileTooLarge, match=r"huge\.pdf has 5,120 MB; .* up to 100 MB"):
        admit(path, largest=100 * MEGABYTE)


@only_unix
def test_pipe_socket_and_folder_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pdf")
    (tmp_path / "folder.pdf").mkdir()
    (tmp_path / "device.pdf").symlink_to("/dev/zero")
    for name in ("pipe.pdf", "device.pdf", "folder.pdf"):
        with pytest.raises(NotAFile, match=name):
            admit(tmp_path / name, largest=MEGABYTE)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s.pdf"))
        with pytest.raises((NotAFile, OSError)):
            admit(tmp_path / "s.pdf", largest=MEGABYTE)


@only_unix
def test_link_that_leads_nowhere_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "one.pdf").symlink_to("two.pdf")
    (tmp_path / "two.pdf").symlink_to("one.pdf")
    (tmp_path / "gone.pdf").symlink_to("nothing.pdf")
    for name in ("one.pdf", "gone.pdf"):
        with pytest.raises(OSError, match=r"."):
            admit(tmp_path / name, largest=MEGABYTE)


def test_a_name_that_plays_tricks_is_shown_plainly(tmp_path: Path) -> None:
    path = tmp_path / "stored.pdf"
    path.write_bytes(b"no")
    with pytest.raises(NotAPdf) as refusal:
        admit(path, largest=MEGABYTE, name="a\u202e\x1b[2Jb.pdf")
    assert refusal.value.message.startswith("a[2Jb.pdf is not a PDF")
