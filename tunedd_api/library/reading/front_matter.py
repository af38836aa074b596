"""
Title, authors, year and arXiv id of a paper, from its metadata and its first page.

Metadata is believed where the first page prints the same; otherwise the largest type near the top is the
title, and the names below it are the authors. A missing author is better than a wrong one.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from tunedd_api.library.reading.authors import authors_below, authors_in
from tunedd_api.library.reading.characters import clean
from tunedd_api.library.reading.cleaning import keeps_hyphen, words_of
from tunedd_api.library.reading.furniture import ARXIV_STAMP
from tunedd_api.library.reading.layout import Line, RawPage, RawPdf, line_text

TOPS = (0.25, 0.6)
"""The title is looked for in this share of the first page from its top, then in this."""
LARGER_THAN_BODY = 1.1
"""And its type is at least this much larger than the usual one."""
SAME_TYPE = 0.04
"""Lines of a title differ in size by no more than this share."""
SMALL_CAPITALS = 0.75
"""Size of small capitals beside capitals."""
LARGE = 0.8
"""A title is at least this share of the largest type in the upper part of the page."""
LONGEST_TITLE = 300
SHORTEST_TITLE = 8
NO_TITLE = re.compile(
    r"arxiv:|microsoft word|untitled|.*\.(?:docx?|tex|dvi|pdf|indd)$|published (?:as|at|in)"
    r"|accepted (?:at|as|by|to)|preprint|under review|proceedings of|.*manuscript no|manuscript"
    r"|.*journal homepage|.*https?://|doi:|contents lists available|research article|review article"
    r"|original (?:article|paper|research)|(?:vol(?:ume)?\.?|issue|no\.?)\s?\d|abstract$|open access|\(.*\)$",
    re.IGNORECASE,
)
DATED = re.compile(
    r"(?:©|\(c\)|copyright|vol\.|volume|published|conference|proceedings|dated|\b[A-Z]\w+ \d{1,2},)"
    r"[^\n]{0,90}?\b((?:19|20)\d\d)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class FrontMatter:
    title: str | None = None
    authors: tuple[str, ...] = ()
    year: int | None = None
    arxiv_id: str | None = None


def front_matter(raw: RawPdf) -> FrontMatter:
    page = next((page for page in raw.pages[:3] if page.lines), None)
    if page is None:
        return FrontMatter()
    block = _title_block(page)
    printed = _joined(page, block)
    title = _metadata_title(raw, page, printed) or printed
    arxiv_id = _arxiv_id(page)
    return FrontMatter(
        title=title,
        authors=_authors(raw, page, block),
        year=_arxiv_year(arxiv_id) or _printed_year(page),
        arxiv_id=arxiv_id,
    )


def _metadata_title(raw: RawPdf, page: RawPage, printed: str | None) -> str | None:
    """What the metadata calls the paper, if the first page says so too."""
    title = " ".join(_plain(raw.metadata.get("Title", "")).split())
    if not SHORTEST_TITLE <= len(title) <= LONGEST_TITLE or NO_TITLE.match(title):
        return None
    if _letters(title) not in _letters(page.text):
        return None
    # The printed form has better quotes and dashes.
    return printed if printed and _letters(printed) == _letters(title) else title


def _title_block(page: RawPage) -> list[Line]:
    """The lines of the large type near the top of the page that can be a title."""
    candidates = [line for line in page.lines if _is_candidate(page, line)]
    body = median(line.size for line in page.lines)
    for share in TOPS:
        near = [line for line in candidates if _is_within(page, line, share)]
        largest = max((_type_size(page, line) for line in near), default=0.0)
        if largest > 0 and largest >= LARGER_THAN_BODY * body:
            # The topmost large line, not the largest: a figure may have larger type than the title.
            large = [line for line in near if _type_size(page, line) >= LARGE * largest]
            return _block(page, max(large, key=lambda line: line.placed.top if line.box else 0.0))
    return []


def _block(page: RawPage, first: Line) -> list[Line]:
    block = [first]
    for line in page.lines[page.lines.index(first) + 1 :]:
        if not line.upright or not _same_type(page, first, line) or _is_far(block[-1], line):
            break
        block.append(line)
    return block if len(_joined(page, block) or "") <= LONGEST_TITLE else []


def _is_within(page: RawPage, line: Line, share: float) -> bool:
    return page.box is None or line.box is None or line.placed.bottom > page.box.top - share * page.box.height


def _same_type(page: RawPage, first: Line, line: Line) -> bool:
    size, other = _type_size(page, first), _type_size(page, line)
    capitals = line_text(page, first).isupper() and line_text(page, line).isupper()
    return abs(size - other) <= SAME_TYPE * size or (
        capitals and SMALL_CAPITALS * other <= size <= other / SMALL_CAPITALS
    )


def _type_size(page: RawPage, line: Line) -> float:
    """A title in small capitals is as large as its capitals."""
    return line.tallest if line_text(page, line).isupper() else line.size


def _is_candidate(page: RawPage, line: Line) -> bool:
    text = _plain(line_text(page, line)).strip()
    if (
        not line.upright
        or line.size == 0
        or line.box is None
        or NO_TITLE.match(text)
        or ARXIV_STAMP.match(text)
    ):
        return False
    return sum(character.isalpha() for character in text) >= SHORTEST_TITLE or len(text.split()) > 1


def _is_far(line: Line, following: Line) -> bool:
    step = line.placed.bottom - following.placed.bottom
    return not -0.2 * line.size < step < 2.2 * line.size


def _joined(page: RawPage, block: Sequence[Line]) -> str | None:
    words = words_of([page])
    parts = [_plain(line_text(page, line)).strip() for line in block]
    text = ""
    for place, (line, part) in enumerate(zip(block, parts, strict=True), 1):
        text += part
        if not line.hyphenated:
            text += " "
        elif place == len(parts) or keeps_hyphen(part, parts[place].lower(), words):
            text += "-"
    title = re.sub(r"\s*[∗*†‡§⋆]+\s*$", "", " ".join(text.split()))
    return title or None


def _authors(raw: RawPdf, page: RawPage, block: Sequence[Line]) -> tuple[str, ...]:
    printed = authors_below(page, block) if block else ()
    letters = _letters(page.text)
    stated = tuple(name for name in authors_in(raw.metadata.get("Author", "")) if _letters(name) in letters)
    return stated if len(stated) > len(printed) else printed


def _arxiv_id(page: RawPage) -> str | None:
    for line in page.lines:
        if match := ARXIV_STAMP.match(line_text(page, line)):
            return match["id"]
    return None


def _arxiv_year(arxiv_id: str | None) -> int | None:
    """An arXiv id begins with the year and month of its first version."""
    if arxiv_id is None:
        return None
    years = int(arxiv_id.rpartition("/")[2][:2])
    return 1900 + years if years > 90 else 2000 + years


def _printed_year(page: RawPage) -> int | None:
    lines = (_plain(line_text(page, line)) for line in page.lines)
    years = [int(match[1]) for line in lines for match in DATED.finditer(line)]
    return max(years) if years else None


def _plain(text: str) -> str:
    return "".join(character for character, _ in clean(text))


def _letters(text: str) -> str:
    """Letters and digits alone, so that quotes, dashes, accents and line breaks do not matter."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", _plain(text)).casefold()))
