"""Raw characters, lines and the errors of files that cannot be read."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pypdf import PdfWriter

from tests.bombs.pages import PAGE_BOMBS
from tests.bombs.writing import SHOWN
from tests.pdfs import Text, column, pdf_bytes, write_pdf
from tunedd_api.library.model import BrokenPdf, NoText, PasswordProtected, TooManyPages, TooMuchText
from tunedd_api.library.reading.bounds import LONGEST_FIELD, LONGEST_PAGE, LONGEST_TEXT
from tunedd_api.library.reading.extraction import extract, measured
from tunedd_api.library.reading.layout import RawPage, line_text


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    return write_pdf(tmp_path / "paper.pdf", [column(["Bees make honey."]), column(["More of it."])])


def encrypted(paper: Path, *, password: str) -> Path:
    writer = PdfWriter(clone_from=paper)
    writer.encrypt(user_password=password, owner_password="owner", algorithm="RC4-128")
    target = paper.with_name("encrypted.pdf")
    writer.write(target)
    return target


def test_lines_know_their_text_place_and_size(tmp_path: Path) -> None:
    texts = [Text(text="Honey", x=100, y=500, size=20), Text(text="bees make it", x=100, y=470, size=10)]
    (page,) = extract(write_pdf(tmp_path / "a.pdf", [texts]), max_pages=1).pages
    large, small = page.lines
    assert [line_text(page, line) for line in page.lines] == ["Honey", "bees make it"]
    assert large.size == pytest.approx(2 * small.size, rel=0.01)
    assert large.placed.left == pytest.approx(100, abs=2)
    assert large.placed.bottom > small.placed.top


def test_metadata_comes_along(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", [column(["text"])], {"Title": "Bees"})
    assert extract(path, max_pages=1).metadata["Title"] == "Bees"


def test_junk_before_the_signature_does_no_harm(paper: Path) -> None:
    paper.write_bytes(b"HTTP/1.1 200 OK\r\n" * 20 + paper.read_bytes())
    assert "Bees make honey." in extract(paper, max_pages=9).pages[0].text


def test_pdf_with_an_empty_password_is_read(paper: Path) -> None:
    assert "Bees make honey." in extract(encrypted(paper, password=""), max_pages=9).pages[0].text


def test_pdf_with_a_password_is_told_of(paper: Path) -> None:
    with pytest.raises(PasswordProtected):
        extract(encrypted(paper, password="secret"), max_pages=9)


def test_too_many_pages_are_told_of(paper: Path) -> None:
    with pytest.raises(TooManyPages, match="2 pages; this service reads up to 1"):
        extract(paper, max_pages=1)


def test_pages_without_text_are_told_of(tmp_path: Path) -> None:
    with pytest.raises(NoText):
        extract(write_pdf(tmp_path / "a.pdf", [[], []]), max_pages=9)


@pytest.mark.parametrize(
    "content", [b"", b"%PDF-1.7\n", b"not a pdf", b"%PDF-1.7\n" + bytes(range(256)) * 40]
)
def test_damaged_files_are_told_of(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "damaged.pdf"
    path.write_bytes(content)
    with pytest.raises((BrokenPdf, NoText)):
        extract(path, max_pages=9)


def test_damaged_page_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    broken = b"BT /F1 10 Tf (((((( \xff\xfe <<<< Tj"
    fine = b"BT /F1 10 Tf 1 0 0 1 72 700 Tm (Bees make honey.) Tj ET"
    path.write_bytes(pdf_bytes([broken, fine]))
    pages = extract(path, max_pages=9).pages
    assert [page.number for page in pages] == [1, 2]
    assert "Bees make honey." in pages[1].text


def test_more_text_than_a_document_can_have_is_told_of_before_all_of_it_is_read() -> None:
    read = []

    def pages() -> Iterator[RawPage]:
        for number in range(1, 99):
            read.append(number)
            yield RawPage(number=number, text="x" * LONGEST_PAGE, lines=())

    with pytest.raises(TooMuchText, match="more than 10,000,000 characters"):
        list(measured(pages()))
    assert len(read) == LONGEST_TEXT // LONGEST_PAGE + 1


def test_a_page_with_more_text_than_one_can_have_is_told_of() -> None:
    with pytest.raises(TooMuchText, match=r"Page 7 holds 250,001 characters"):
        list(measured([RawPage(number=7, text="x" * (LONGEST_PAGE + 1), lines=())]))


def test_metadata_of_any_length_is_cut_and_half_a_letter_in_it_costs_that_field_only(tmp_path: Path) -> None:
    half = b"\xfe\xff\x00B\xd8\x3d\x00e"
    path = tmp_path / "a.pdf"
    path.write_bytes(PAGE_BOMBS["a title of ten megabytes"]())
    assert {len(value) for value in extract(path, max_pages=1).metadata.values()} == {LONGEST_FIELD}
    path.write_bytes(pdf_bytes([SHOWN], {"Title": half.decode("latin-1"), "Author": "Ada Lovelace"}))
    assert extract(path, max_pages=1).metadata == {"Author": "Ada Lovelace"}


def test_file_whose_end_is_missing_is_told_from_other_damage(paper: Path) -> None:
    whole = paper.read_bytes()
    paper.write_bytes(whole[:200])
    with pytest.raises(BrokenPdf, match="end of the file is missing"):
        extract(paper, max_pages=9)
    paper.write_bytes(whole[:200] + b"\n%%EOF\n")
    with pytest.raises(BrokenPdf, match="damaged"):
        extract(paper, max_pages=9)
