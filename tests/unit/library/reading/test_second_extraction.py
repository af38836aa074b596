"""Reading with pypdf, where pdfium gives up."""

from pathlib import Path

import pytest

from tests.pdfs import column, write_pdf
from tunedd_api.library.model import BrokenPdf, TooManyPages
from tunedd_api.library.reading.cleaning import clean_pages
from tunedd_api.library.reading.layout import line_text
from tunedd_api.library.reading.second_extraction import extract_with_pypdf


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    lines = ["We study how they coordi-", "nate with each other."]
    return write_pdf(tmp_path / "a.pdf", [[], column(lines)], {"Title": "Bees"})


def test_pages_lines_and_metadata(paper: Path) -> None:
    raw = extract_with_pypdf(paper, max_pages=9, look_at=9)
    page = raw.pages[1]
    assert [line_text(page, line) for line in page.lines] == [
        "We study how they coordi",
        "nate with each other.",
    ]
    assert raw.metadata["Title"] == "Bees"


def test_its_pages_can_be_cleaned(paper: Path) -> None:
    pages = clean_pages(extract_with_pypdf(paper, max_pages=9, look_at=9).pages)
    assert pages[1].text == "We study how they coordinate with each other."


def test_it_stops_looking_for_text_in_time(paper: Path) -> None:
    assert extract_with_pypdf(paper, max_pages=9, look_at=1).pages[1].text == ""


def test_too_many_pages_are_told_of(paper: Path) -> None:
    with pytest.raises(TooManyPages):
        extract_with_pypdf(paper, max_pages=1, look_at=1)


def test_whatever_pypdf_raises_is_a_broken_pdf(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF-1.7\ntrailer << /Root 1 0 R >>")
    with pytest.raises(BrokenPdf):
        extract_with_pypdf(path, max_pages=9, look_at=9)


@pytest.mark.parametrize("junk", [1, 500, 1024])
def test_junk_in_front_of_the_signature_does_no_harm(paper: Path, junk: int) -> None:
    paper.write_bytes(b"x" * junk + paper.read_bytes())
    assert "nate with each other." in extract_with_pypdf(paper, max_pages=9, look_at=9).pages[1].text
