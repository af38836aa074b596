"""
What the reading process and the service say to each other: frames of JSON, each with its length in front.

The service sends `{"path": …}`; the process answers `{"reading": …}` or `{"error": …, "message": …}`. The
answer comes from a process that a hostile PDF may have taken over: it is data only, and all of it is checked.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from tunedd_api.errors import Unreadable
from tunedd_api.library.model import (
    BrokenPdf,
    NoText,
    Page,
    PasswordProtected,
    Reading,
    ReadingTookTooLong,
    TooManyPages,
)

LENGTH = struct.Struct(">I")
LONGEST_ANSWER = 256 * 1024 * 1024
"""Bytes of one frame. A thousand dense pages are about 10 MiB."""
ERRORS: Mapping[str, type[Unreadable]] = {
    error.__name__: error
    for error in (BrokenPdf, NoText, PasswordProtected, ReadingTookTooLong, TooManyPages)
}


class BadAnswer(ValueError):
    """The reading process answered something else than a reading or an error."""


def frame(content: object) -> bytes:
    body = json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode()
    return LENGTH.pack(len(body)) + body


def reading_to_json(reading: Reading) -> dict[str, Any]:
    return {
        "title": reading.title,
        "authors": list(reading.authors),
        "year": reading.year,
        "arxiv_id": reading.arxiv_id,
        "pages": [[page.number, page.text, _runs(page.positions)] for page in reading.pages],
    }


def parse_answer(body: bytes) -> Reading | Unreadable:
    """Raises BadAnswer."""
    try:
        answer = json.loads(body)
        if "failure" in answer:
            raise BadAnswer(_text(answer["failure"]))
        if "error" in answer:
            return ERRORS[answer["error"]](_text(answer["message"]))
        return _reading(answer["reading"])
    except BadAnswer:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadAnswer(type(error).__name__) from error


def _reading(found: Mapping[str, Any]) -> Reading:
    year = found["year"]
    return Reading(
        pages=tuple(_page(*page) for page in found["pages"]),
        title=_optional_text(found["title"]),
        authors=tuple(_text(name) for name in found["authors"]),
        year=None if year is None else int(year),
        arxiv_id=_optional_text(found["arxiv_id"]),
    )


def _page(number: object, text: object, runs: Sequence[Sequence[int]]) -> Page:
    if not isinstance(number, int):
        raise BadAnswer("page number")
    text = _text(text)
    # Checked before it is built: a run may claim any length.
    if any(length < 0 for _, length in runs) or sum(length for _, length in runs) != len(text):
        raise BadAnswer("positions")
    positions = tuple(int(first) + offset for first, length in runs for offset in range(length))
    return Page(number=number, text=text, positions=positions)


def _runs(positions: Sequence[int]) -> list[list[int]]:
    """Positions mostly count up by one; a run is its first position and its length."""
    runs = groupby(enumerate(positions), key=lambda pair: pair[1] - pair[0])
    return [[(members := list(run))[0][1], len(members)] for _, run in runs]


def _optional_text(value: object) -> str | None:
    return None if value is None else _text(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise BadAnswer("text")
    # Raises a ValueError on halves of surrogate pairs, which no file and no database would take.
    value.encode()
    return value
