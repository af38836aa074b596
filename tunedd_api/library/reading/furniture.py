"""Finds the lines that are no part of a text: running headers and footers, page numbers, the arXiv stamp."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from tunedd_api.library.reading.layout import Line, RawPage, line_text

EDGE = 0.13
"""Share of a page's height, at its top and at its bottom, in which headers and footers stand."""
EDGE_ROWS = 3
"""Rows at each end of a page that can be furniture; further in, a repeated line belongs to a table."""
ALL_PAGES = 4
"""A document with fewer pages has furniture only where every page repeats it."""
ARXIV_STAMP = re.compile(
    r"arXiv:\s?(?P<id>\d{4}\.\d{4,5}(?:v\d+)?|[a-z-]+(?:\.[A-Z]{2})?/\d{7}(?:v\d+)?)"
    r"\s+(?:\[[\w.-]+\]\s+)?\d{1,2}\s\w{3,9}\s\d{4}"
)
PAGE_NUMBER = re.compile(
    r"(?:page\s?)?[-–—\[(|\s]*(?:\d{1,4}|[ivxl]{1,6})[-–—\])|\s]*(?:(?:of|/)\s?\d{1,4})?", re.I
)


def find_furniture(pages: Sequence[RawPage]) -> set[tuple[int, int]]:
    """The lines to leave out: the index of the page, and where on it the line starts."""
    edges = [list(_edge_lines(page)) for page in pages]
    repeated = _repeated(
        [{_key(page, line) for line, _ in edge} for page, edge in zip(pages, edges, strict=True)]
    )
    found = {
        (index, line.start)
        for index, (page, edge) in enumerate(zip(pages, edges, strict=True))
        for line, outermost in edge
        if (index % 2, _key(page, line)) in repeated or (outermost and _is_page_number(page, line))
    }
    found |= {(0, line.start) for page in pages[:1] for line in page.lines if _is_stamp(page, line)}
    if all((index, line.start) in found for index, page in enumerate(pages) for line in page.lines):
        return set()
    return found


def _repeated(keys: Sequence[set[str]]) -> set[tuple[int, str]]:
    """
    What stands on half of the pages or more; also on half of the odd or even ones, since books alternate.

    Each with the parity of the page indices on which it counts.
    """
    if len(keys) < 2:
        return set()
    if len(keys) < ALL_PAGES:
        return {(parity, key) for key in set.intersection(*keys) for parity in (0, 1)}
    everywhere = Counter(key for page in keys for key in page)
    found = {(parity, key) for key, n in everywhere.items() if n * 2 >= len(keys) for parity in (0, 1)}
    for parity in (0, 1):
        half = keys[parity::2]
        alternate = Counter(key for page in half for key in page)
        found |= {(parity, key) for key, n in alternate.items() if n * 2 >= len(half) and n >= ALL_PAGES - 1}
    return found


def _key(page: RawPage, line: Line) -> str:
    """Lines that differ in digits only, or in spaces, are the same."""
    return re.sub(r"\d+", "#", "".join(line_text(page, line).split()).casefold())


def _is_page_number(page: RawPage, line: Line) -> bool:
    return PAGE_NUMBER.fullmatch(line_text(page, line).strip()) is not None


def _is_stamp(page: RawPage, line: Line) -> bool:
    return ARXIV_STAMP.match(line_text(page, line)) is not None


def _edge_lines(page: RawPage) -> Iterator[tuple[Line, bool]]:
    """The lines near the top and the bottom, and whether each is in the very first or last row."""
    rows = _rows(page)
    for place, row in enumerate(rows):
        from_end = min(place, len(rows) - 1 - place)
        if from_end < EDGE_ROWS:
            yield from ((line, from_end == 0) for line in row if _near_edge(page, line))


def _near_edge(page: RawPage, line: Line) -> bool:
    if page.box is None or line.box is None:
        return True
    margin = EDGE * page.box.height
    return line.box.bottom > page.box.top - margin or line.box.top < page.box.bottom + margin


def _rows(page: RawPage) -> list[list[Line]]:
    """Lines side by side make a row; rows from top to bottom. Without places, every line is a row."""
    if page.box is None or any(line.box is None for line in page.lines):
        return [[line] for line in page.lines]
    rows: list[list[Line]] = []
    middle = 0.0
    for line in sorted((line for line in page.lines if line.upright), key=_middle, reverse=True):
        if rows and middle - _middle(line) < line.size / 2:
            rows[-1].append(line)
        else:
            rows.append([line])
            middle = _middle(line)
    return rows


def _middle(line: Line) -> float:
    return (line.box.bottom + line.box.top) / 2 if line.box else 0.0
