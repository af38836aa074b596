"""What comes from the reading process is checked, since a PDF may have taken it over."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunedd_api.library.model import Page, PasswordProtected, Reading
from tunedd_api.library.reading.wire import LENGTH, BadAnswer, frame, parse_answer, reading_to_json

PAGE = [1, "text", [[0, 4]]]
READING = {"title": None, "authors": [], "year": None, "arxiv_id": None, "pages": [PAGE]}


def body(content: object) -> bytes:
    return frame(content)[LENGTH.size :]


@st.composite
def pages(draw: st.DrawFn) -> Page:
    text = draw(st.text(max_size=30))
    positions = draw(st.lists(st.integers(0, 99), min_size=len(text), max_size=len(text)).map(sorted))
    return Page(number=draw(st.integers(1, 9)), text=text, positions=tuple(positions))


@given(
    pages=st.lists(pages(), max_size=3),
    title=st.none() | st.text(max_size=9),
    authors=st.lists(st.text(max_size=9), max_size=3),
)
def test_reading_arrives_as_it_was(pages: list[Page], title: str | None, authors: list[str]) -> None:
    reading = Reading(pages=tuple(pages), title=title, authors=tuple(authors), year=2024, arxiv_id="2401.1")
    assert parse_answer(body({"reading": reading_to_json(reading)})) == reading


def test_error_arrives_with_its_message() -> None:
    error = parse_answer(body({"error": "PasswordProtected", "message": "Locked."}))
    assert isinstance(error, PasswordProtected)
    assert error.message == "Locked."


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        "text",
        None,
        {"failure": "a fault"},
        {"error": "SystemExit", "message": "no such error"},
        {"error": "NoText", "message": 7},
        {"reading": None},
        {"reading": {**READING, "title": ["no text"]}},
        {"reading": {**READING, "authors": [None]}},
        {"reading": {**READING, "year": "soon"}},
        {"reading": {**READING, "pages": [[1, "text"]]}},
        {"reading": {**READING, "pages": [["1", "text", [[0, 4]]]]}},
        {"reading": {**READING, "pages": [[1, "text", [[0, 3]]]]}},
        {"reading": {**READING, "pages": [[1, "text", [[0, 10**12]]]]}},
        {"reading": {**READING, "pages": [[1, "text", [[0, -4], [0, 8]]]]}},
        {"reading": {**READING, "pages": [[1, "\ud835", [[0, 1]]]]}},
        {"reading": {**READING, "pages": [[1, 4, [[0, 4]]]]}},
    ],
)
def test_anything_else_is_refused(answer: Any) -> None:
    with pytest.raises(BadAnswer):
        parse_answer(json.dumps(answer).encode())


@pytest.mark.parametrize("answer", [b"", b"\xff", b"{", b"[" * 100_000])
def test_what_is_no_json_is_refused(answer: bytes) -> None:
    with pytest.raises(BadAnswer):
        parse_answer(answer)
