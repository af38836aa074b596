"""Names of files that try to be something else than a name."""

import os
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunedd_api.library.names import LONGEST, displayable


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("paper.pdf", "paper.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\paper.pdf", "paper.pdf"),
        ("Agents: a survey?.pdf", "Agents: a survey?.pdf"),
        ("folder/", "folder"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("\x1b[2Jpaper\x00\n.pdf", "[2Jpaper .pdf"),
        ("two\nlines\t\u2028.pdf", "two lines .pdf"),
        ("  many   spaces .pdf ", "many spaces .pdf"),
        ("cafe\u0301.pdf", "café.pdf"),
        ("蜂蜜🐝.pdf", "蜂蜜🐝.pdf"),
        ("con.pdf", "con.pdf"),
        ('"quoted"; filename=x.pdf', '"quoted"; filename=x.pdf'),
        ("half \ud83d.pdf", "half \ufffd.pdf"),
        (os.fsdecode(b"bees \xe9.pdf"), "bees \ufffd.pdf"),
    ],
)
def test_what_is_shown_of_a_name(name: str, shown: str) -> None:
    assert displayable(name) == shown


@pytest.mark.parametrize(
    "name", [None, "", ".", "..", "...", " . .", "/", "\\", "\u202e", ".pdf", "\u200d.pdf"]
)
def test_what_is_no_name_gets_one(name: str | None) -> None:
    assert displayable(name) == "unnamed.pdf"


def test_name_too_long_for_a_disk_is_cut_and_keeps_its_ending() -> None:
    for long in ("x" * 300, "蜂" * 300, "🐝" * 300, "x y" * 100):
        shown = displayable(f"{long}.pdf")
        assert len(shown.encode()) <= LONGEST
        assert shown.endswith("….pdf")
        assert shown.startswith(long[:20])
    assert displayable("x" * 255) == "x" * 255
    assert len(displayable("." + "x" * 9999).encode()) <= LONGEST


@given(st.text(st.characters(exclude_categories=()), max_size=400))
def test_any_name_can_be_stored_sent_and_shown(name: str) -> None:
    shown = displayable(name)
    assert shown
    assert "/" not in shown
    assert "\\" not in shown
    assert len(shown.encode()) <= LONGEST
    assert shown == shown.strip()
    assert displayable(shown) == shown
    quote(shown)
