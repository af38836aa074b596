"""
What the reading process and the service say to each other: frames, each with its length in front.

The service sends `{"path": …}`. The process answers with a frame for each page (a zero, the page's number,
the length of its text, the text, and for each character its position) and then `{"reading": …}`, or at any
point with `{"error": …, "message": …}` or `{"failure": …}`. The answer comes from a process that a hostile
PDF may have taken over: it is data only, all of it is checked, and whatever it says, no more is held of it
than one frame and `LONGEST_TEXT` characters.
"""

import json
import re
import struct
from array import array
from collections.abc import Iterator, Mapping
from typing import Any

from tunedd_api.errors import Unreadable
from tunedd_api.library.model import (
    BrokenPdf,
    NoText,
    Page,
    PasswordProtected,
    Reading,
    ReadingFailed,
    ReadingTookTooLong,
    TooManyPages,
    TooMuchText,
)
from tunedd_api.library.reading.bounds import LONGEST_FIELD, LONGEST_PAGE, LONGEST_TEXT

READER = 1
"""Version of the reader. Its number goes up when it reads more; what another failed at is tried again."""
LENGTH = struct.Struct(">I")
HEADER = struct.Struct(">II")
PAGE = b"\0"
"""Begins the frame of a page; any other is JSON."""
LONGEST_FRAME = 4 * 1024 * 1024
"""Bytes. A dense page is about 50 KiB."""
LONGEST_JSON = 256 * 1024
"""Bytes. Hostile JSON of 4 MiB would hold up everything else in this process for seconds."""
MOST_AUTHORS = 10_000
ERRORS: Mapping[str, type[Unreadable]] = {
    error.__name__: error
    for error in (BrokenPdf, NoText, PasswordProtected, ReadingTookTooLong, TooManyPages, TooMuchText)
}
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
"""Reading drops these: a terminal may obey them."""


class BadAnswer(ValueError):
    """The reading process answered something else than a reading or an error."""


def frame(content: Mapping[str, object]) -> bytes:
    return _framed(json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode())


def _page_frame(page: Page) -> bytes:
    text = page.text.encode()
    positions = array("I", page.positions).tobytes()
    return _framed(PAGE + HEADER.pack(page.number, len(text)) + text + positions)


def _framed(body: bytes) -> bytes:
    return LENGTH.pack(len(body)) + body


def frames_of(reading: Reading, *, lost: str | None = None) -> Iterator[bytes]:
    """A whole answer; `lost` is what went wrong though the text is there."""
    for page in reading.pages:
        yield _page_frame(page)
    matter = {
        "title": reading.title,
        "authors": list(reading.authors),
        "year": reading.year,
        "arxiv_id": reading.arxiv_id,
        "lost": lost,
    }
    yield frame({"reading": matter})


class Answer:
    """An answer as it comes in, frame by frame."""

    def __init__(self, *, max_pages: int) -> None:
        self._max_pages = max_pages
        self._pages: list[Page] = []
        self._room = LONGEST_TEXT
        self.lost: str | None = None
        """What went wrong on the way, though the text is there."""

    def add(self, body: bytes) -> Reading | Unreadable | None:
        """The whole answer with its last frame, None before. Raises BadAnswer."""
        try:
            if body.startswith(PAGE):
                self._turn(_page(body))
                return None
            if len(body) > LONGEST_JSON:
                raise BadAnswer("length")
            return self._end(json.loads(body))
        except BadAnswer:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, struct.error) as error:
            raise BadAnswer(type(error).__name__) from error

    def _end(self, said: Mapping[str, Any]) -> Reading | Unreadable:
        if "failure" in said:
            self.lost = _text(said["failure"])
            return ReadingFailed()
        if "error" in said:
            return ERRORS[said["error"]](_text(said["message"]))
        return self._whole(said["reading"])

    def _turn(self, page: Page) -> None:
        self._pages.append(page)
        self._room -= len(page.text)
        if page.number != len(self._pages) or page.number > self._max_pages or self._room < 0:
            raise BadAnswer("pages")

    def _whole(self, matter: Mapping[str, Any]) -> Reading:
        year, authors = matter["year"], matter["authors"]
        if year is not None and (type(year) is not int or not 0 < year < 10_000):
            raise BadAnswer("year")
        if not self._pages or not isinstance(authors, list) or len(authors) > MOST_AUTHORS:
            raise BadAnswer("pages or authors")
        self.lost = _optional_text(matter["lost"])
        return Reading(
            pages=tuple(self._pages),
            title=_optional_text(matter["title"]),
            authors=tuple(_text(name) for name in authors),
            year=year,
            arxiv_id=_optional_text(matter["arxiv_id"]),
        )


def _page(body: bytes) -> Page:
    number, length = HEADER.unpack_from(body, len(PAGE))
    start = len(PAGE) + HEADER.size
    text = _text(body[start : start + length].decode(), longest=LONGEST_PAGE)
    positions = array("I", body[start + length :])
    if len(positions) != len(text):
        raise BadAnswer("positions")
    return Page(number=number, text=text, positions=positions)


def _optional_text(value: object) -> str | None:
    return None if value is None else _text(value)


def _text(value: object, *, longest: int = LONGEST_FIELD) -> str:
    if not isinstance(value, str) or len(value) > longest or CONTROL.search(value):
        raise BadAnswer("text")
    # Raises a ValueError on halves of surrogate pairs, which no file and no database would take.
    value.encode()
    return value
