"""What the reading process makes of a file, without the process."""

from pathlib import Path

from tests.pdfs import Text, column, write_pdf
from tunedd_api.library.reading.layout import Box, Line, RawPage, RawPdf
from tunedd_api.library.reading.process import read, title_and_authors

LINE = "Bees make honey."


def raw_page(**metadata: str) -> RawPdf:
    box = Box(left=72, bottom=700, right=300, top=720)
    line = Line(start=0, end=len(LINE), box=box, size=20, tallest=20)
    page = RawPage(number=1, text=LINE, lines=(line,), box=Box(left=0, bottom=0, right=612, top=792))
    return RawPdf(pages=(page,), metadata=metadata)


def test_text_comes_with_title_and_authors(tmp_path: Path) -> None:
    lines = [Text(text="The Life of Honey Bees", y=720, size=20), *column([LINE] * 20, top=600)]
    reading, lost = read(write_pdf(tmp_path / "a.pdf", [lines]), max_pages=9)
    assert reading.title == "The Life of Honey Bees"
    assert lost is None


def test_type_without_a_size_costs_neither_text_nor_title(tmp_path: Path) -> None:
    lines = [
        Text(text="HONEY BEES AND THEIR HIVES", y=720, size=20),
        Text(text="NOTHING TO SEE HERE", y=700, size=0.001),
        *column([LINE] * 20, top=600),
    ]
    reading, lost = read(write_pdf(tmp_path / "tiny.pdf", [lines]), max_pages=9)
    assert reading.title == "HONEY BEES AND THEIR HIVES"
    assert LINE in reading.pages[0].text
    assert lost is None


def test_a_fault_in_finding_the_title_costs_the_title_and_says_where_it_was() -> None:
    odd = raw_page(Title=7)  # type: ignore[arg-type]  # what no PDF library should give
    found, lost = title_and_authors(odd)
    assert found.title is None
    assert lost is not None
    assert "Error in " in lost
    assert title_and_authors(raw_page())[1] is None
