"""Running headers, footers, page numbers and stamps."""

import pytest

from tunedd_api.library.reading.furniture import ARXIV_STAMP, find_furniture
from tunedd_api.library.reading.layout import Box, Line, RawPage, line_text

SHEET = Box(left=0, bottom=0, right=612, top=792)


def page(number: int, *printed: tuple[str, float]) -> RawPage:
    """Lines with the height they stand at."""
    text, lines = "", []
    for words, bottom in printed:
        box = Box(left=72, bottom=bottom, right=72 + 5 * len(words), top=bottom + 10)
        lines.append(Line(start=len(text), end=len(text) + len(words), box=box, size=10))
        text += words + "\r\n"
    return RawPage(number=number, text=text, lines=tuple(lines), box=SHEET)


def kept(*pages: RawPage) -> list[list[str]]:
    furniture = find_furniture(pages)
    return [
        [line_text(page, line) for line in page.lines if (index, line.start) not in furniture]
        for index, page in enumerate(pages)
    ]


def body(number: int) -> tuple[str, float]:
    return f"What page {'abcdefghij'[number]} says", 400


def test_header_and_footer_that_differ_in_digits_only_are_dropped() -> None:
    pages = [page(n, (f"Journal of Bees {n}", 760), body(n), (f"Page {n} of 6", 30)) for n in range(1, 7)]
    assert kept(*pages) == [[body(n)[0]] for n in range(1, 7)]


def test_headers_that_alternate_between_odd_and_even_pages_are_dropped() -> None:
    headers = {0: "A. Lovelace et al.", 1: "On Bees in Winter"}
    pages = [page(n, (headers[n % 2], 760), body(n)) for n in range(9)]
    assert kept(*pages) == [[body(n)[0]] for n in range(9)]


def test_line_on_fewer_than_half_of_the_pages_stays() -> None:
    pages = [page(n, ("Appendix", 760) if n < 3 else body(n), ("More", 300)) for n in range(9)]
    assert kept(*pages)[0] == ["Appendix", "More"]


def test_rows_that_repeat_inside_tables_stay() -> None:
    rows = [("Method Score", 500.0), ("ours 1.0", 480.0), ("theirs 0.5", 460.0)]
    pages = [page(n, ("Header", 760), *rows, body(n)) for n in range(5)]
    assert kept(*pages)[2] == ["Method Score", "ours 1.0", "theirs 0.5", body(2)[0]]


def test_two_pages_have_furniture_only_where_both_repeat_it() -> None:
    first = page(1, ("Header", 760), ("Introduction", 700), body(1))
    second = page(2, ("Header", 760), ("Methods", 700), body(2))
    assert kept(first, second) == [["Introduction", body(1)[0]], ["Methods", body(2)[0]]]


def test_document_of_one_page_loses_its_page_number_only() -> None:
    assert kept(page(1, ("Header", 760), body(1), ("- 7 -", 30))) == [["Header", body(1)[0]]]


def test_number_in_the_middle_of_a_page_stays() -> None:
    assert kept(page(1, ("Total", 420), ("42", 400), ("End", 380))) == [["Total", "42", "End"]]


def test_document_is_never_emptied() -> None:
    pages = [page(n, ("Only this", 760)) for n in range(3)]
    assert kept(*pages) == [["Only this"]] * 3


def test_arxiv_stamp_of_the_first_page_is_dropped() -> None:
    stamp = "arXiv:2401.13138v6 [cs.CY] 17 May 2024"
    assert kept(page(1, (stamp, 400), body(1)), page(2, body(2))) == [[body(1)[0]], [body(2)[0]]]


@pytest.mark.parametrize(
    ("stamp", "id"),
    [
        ("arXiv:2401.13138v6 [cs.CY] 17 May 2024", "2401.13138v6"),
        ("arXiv:0704.0001v2 [hep-ph] 24 Jul 2007", "0704.0001v2"),
        ("arXiv:hep-th/9901001v3 1 Jan 1999", "hep-th/9901001v3"),
        ("arXiv:math.GT/0309136v1 [math.GT] 8 Sep 2003", "math.GT/0309136v1"),
    ],
)
def test_old_and_new_arxiv_stamps_are_known(stamp: str, id: str) -> None:
    match = ARXIV_STAMP.match(stamp)
    assert match is not None
    assert match["id"] == id


def test_reference_to_another_arxiv_paper_is_no_stamp() -> None:
    assert ARXIV_STAMP.match("arXiv:2302.13971, 2023.") is None
