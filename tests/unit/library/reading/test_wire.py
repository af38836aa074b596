"""What comes from the reading process is checked, since a PDF may have taken it over."""

import json
from array import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunedd_api.errors import Unreadable
from tunedd_api.library.model import Page, PasswordProtected, Reading, ReadingFailed
from tunedd_api.library.reading.bounds import LONGEST_FIELD, LONGEST_PAGE, LONGEST_TEXT
from tunedd_api.library.reading.wire import (
    HEADER,
    LENGTH,
    LONGEST_FRAME,
    LONGEST_JSON,
    Answer,
    BadAnswer,
    frames_of,
)

MATTER: dict[str, object] = {"title": None, "authors": [], "year": None, "arxiv_id": None, "lost": None}
LETTERS = st.characters(exclude_categories=["Cs", "Cc"])


def page(number: int, text: str, *, length: int | None = None, positions: int | None = None) -> bytes:
    """The frame of a page; it may say another length than the text has, or hold other positions."""
    body = text.encode("utf-8", "surrogatepass")
    header = HEADER.pack(number, len(body) if length is None else length)
    return b"\0" + header + body + bytes(4 * (len(text) if positions is None else positions))


PAGE = page(1, "text")


def parse(*said: Any, max_pages: int = 9) -> Reading | Unreadable | None:
    """What comes of an answer of these frames."""
    answer = Answer(max_pages=max_pages)
    result = None
    for one in said:
        result = answer.add(one if isinstance(one, bytes) else json.dumps(one).encode())
    return result


@st.composite
def some_pages(draw: st.DrawFn) -> list[Page]:
    texts = draw(st.lists(st.text(LETTERS | st.just("\n"), max_size=30), min_size=1, max_size=3))
    return [
        Page(number=number, text=text, positions=array("I", draw(positions(len(text)))))
        for number, text in enumerate(texts, 1)
    ]


def positions(count: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, 99), min_size=count, max_size=count).map(sorted)


@given(
    pages=some_pages(),
    title=st.none() | st.text(LETTERS, max_size=9),
    authors=st.lists(st.text(LETTERS, max_size=9), max_size=3),
)
def test_reading_arrives_as_it_was(pages: list[Page], title: str | None, authors: list[str]) -> None:
    reading = Reading(pages=tuple(pages), title=title, authors=tuple(authors), year=2024, arxiv_id="2401.1")
    assert parse(*(part[LENGTH.size :] for part in frames_of(reading))) == reading


def test_error_arrives_with_its_message_and_takes_the_place_of_the_pages() -> None:
    error = parse(PAGE, {"error": "PasswordProtected", "message": "Locked."})
    assert isinstance(error, PasswordProtected)
    assert error.message == "Locked."


def test_fault_of_ours_is_told_apart_from_a_broken_file_and_its_place_is_kept_for_the_log() -> None:
    answer = Answer(max_pages=9)
    assert isinstance(answer.add(b'{"failure": "ZeroDivisionError in _box, line 7"}'), ReadingFailed)
    assert answer.lost == "ZeroDivisionError in _box, line 7"


@pytest.mark.parametrize(
    "said",
    [
        [{}],
        [[]],
        ["text"],
        [None],
        [{"failure": 7}],
        [{"error": "SystemExit", "message": "no such error"}],
        [{"error": "ReadingKilled", "message": "not for it to say"}],
        [{"error": "NoText", "message": 7}],
        [{"error": "NoText", "message": "x" * 100_000}],
        [{"reading": MATTER}],
        [PAGE, {"reading": None}],
        [PAGE, {"reading": {**MATTER, "title": ["no text"]}}],
        [PAGE, {"reading": {**MATTER, "title": "\x1b[2J"}}],
        [PAGE, {"reading": {**MATTER, "title": "x" * 100_000}}],
        [PAGE, {"reading": {**MATTER, "authors": [None]}}],
        [PAGE, {"reading": {**MATTER, "authors": "Ada Lovelace"}}],
        [PAGE, {"reading": {**MATTER, "authors": [""] * 10_001}}],
        [PAGE, {"reading": {**MATTER, "year": "soon"}}],
        [PAGE, {"reading": {**MATTER, "year": 10**30}}],
        [PAGE, {"reading": {**MATTER, "year": True}}],
        [PAGE, PAGE],
        [PAGE, {"reading": {**MATTER, "arxiv_id": 7}}],
        [page(2, "text")],
        [page(0, "text")],
        [page(2**32 - 1, "text")],
        [b"\0"],
        [b"\0\0\0\0"],
        [page(1, "text", length=2**32 - 1)],
        [page(1, "text", length=3)],
        [page(1, "text", length=5)],
        [page(1, "text", positions=3)],
        [page(1, "text", positions=5)],
        [page(1, "text") + b"x"],
        [page(1, "\ud835")],
        [page(1, "text\0")],
        [b"\0" + HEADER.pack(1, 2) + b"\xff\xfe" + bytes(8)],
    ],
)
def test_anything_else_is_refused(said: list[Any]) -> None:
    with pytest.raises(BadAnswer):
        parse(*said)


@pytest.mark.parametrize("said", [b"", b"\xff", b"{", b"[" * 100_000, b'{"error": ' + b"9" * 10_000 + b"}"])
def test_what_is_no_json_is_refused(said: bytes) -> None:
    with pytest.raises(BadAnswer):
        parse(said)


def test_no_more_pages_than_allowed() -> None:
    with pytest.raises(BadAnswer):
        parse(PAGE, page(2, "text"), max_pages=1)


def test_no_more_text_than_a_page_and_a_document_can_have() -> None:
    with pytest.raises(BadAnswer):
        parse(page(1, "x" * (LONGEST_PAGE + 1)))
    count = LONGEST_TEXT // LONGEST_PAGE
    said = [page(number, "x" * LONGEST_PAGE) for number in range(1, count + 1)]
    assert parse(*said, max_pages=count + 1) is None
    with pytest.raises(BadAnswer):
        parse(*said, page(count + 1, "x"), max_pages=count + 1)


def test_json_that_would_take_seconds_is_not_looked_at() -> None:
    with pytest.raises(BadAnswer, match="length"):
        parse(b"[" + b"[]," * LONGEST_JSON + b"0]")


def test_the_longest_page_fits_a_frame_in_any_script() -> None:
    text = "🐝" * LONGEST_PAGE
    (longest, _) = frames_of(Reading(pages=(Page(number=1, text=text, positions=range(LONGEST_PAGE)),)))
    assert len(longest) <= LONGEST_FRAME + LENGTH.size
    assert parse(longest[LENGTH.size :]) is None


def test_the_longest_matter_fits_its_frame() -> None:
    field = "蜂" * (LONGEST_FIELD // 2)
    *_, matter = frames_of(Reading(pages=(), title=field, authors=(field,)), lost="x" * 200)
    assert len(matter) <= LONGEST_JSON + LENGTH.size
