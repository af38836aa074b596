"""Title, authors, year and arXiv id of made-up first pages."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.pdfs import Text, column, write_pdf
from tunedd_api.library.reading.extraction import extract
from tunedd_api.library.reading.front_matter import FrontMatter, front_matter

BODY = column(["We study bees in winter and in summer.", "They make honey in one of them."] * 8, top=560)
TITLE = column(["A Study of Bees and of their Honey:", "Winter and Summer"], top=730, size=18)
PRINTED_TITLE = "A Study of Bees and of their Honey: Winter and Summer"
AUTHORS = column(["Ada Lovelace, Alan Turing"], top=660, size=12)


def matter(path: Path, *texts: list[Text], metadata: Mapping[str, str] | None = None) -> FrontMatter:
    page = [text for part in texts for text in part]
    return front_matter(extract(write_pdf(path / "a.pdf", [page], metadata), max_pages=1))


@pytest.mark.parametrize(
    "title", ["", "untitled", "Microsoft Word - bees.doc", "paper.tex", "Overleaf Example"]
)
def test_title_is_the_large_type_where_metadata_has_no_good_one(tmp_path: Path, title: str) -> None:
    assert matter(tmp_path, TITLE, AUTHORS, BODY, metadata={"Title": title}).title == PRINTED_TITLE


def test_metadata_title_counts_where_the_page_prints_it(tmp_path: Path) -> None:
    stated = {"Title": "A Study of Bees"}
    assert matter(tmp_path, TITLE, BODY, metadata=stated).title == "A Study of Bees"


def test_metadata_title_of_another_paper_does_not_count(tmp_path: Path) -> None:
    stated = {"Title": "A Template for the Journal of Ants"}
    assert matter(tmp_path, TITLE, BODY, metadata=stated).title == PRINTED_TITLE


def test_masthead_above_the_title_is_no_title(tmp_path: Path) -> None:
    masthead = column(["Published as a conference paper at ICLR 2021"], top=770, size=18)
    assert matter(tmp_path, masthead, TITLE, BODY).title == PRINTED_TITLE


def test_larger_type_in_a_figure_is_no_title(tmp_path: Path) -> None:
    figure = column(["Honey Output"], top=420, size=24)
    assert matter(tmp_path, TITLE, BODY, figure).title == PRINTED_TITLE


def test_page_of_one_type_size_has_no_title(tmp_path: Path) -> None:
    assert matter(tmp_path, BODY).title is None


def test_authors_are_the_names_below_the_title(tmp_path: Path) -> None:
    places = column(["University of London, UK"], top=640)
    assert matter(tmp_path, TITLE, AUTHORS, places, BODY).authors == ("Ada Lovelace", "Alan Turing")


def test_authors_in_a_grid_are_told_from_their_places_by_type(tmp_path: Path) -> None:
    grid = []
    for x, name in ((72, "Ada Lovelace"), (240, "Alan Turing"), (400, "Grace Hopper")):
        grid += [Text(text=name, x=x, y=660, size=12), Text(text="New York", x=x, y=646, size=10)]
    assert matter(tmp_path, TITLE, grid, BODY).authors == ("Ada Lovelace", "Alan Turing", "Grace Hopper")


def test_names_that_cannot_be_told_from_places_are_left_out(tmp_path: Path) -> None:
    lines = ["Ada Lovelace", "University of London", "Santa Cruz"]
    assert matter(tmp_path, TITLE, column(lines, top=660, size=12), BODY).authors == ()


def test_metadata_names_more_authors_than_the_page_shows_clearly(tmp_path: Path) -> None:
    lines = column(["Ada Lovelace with Alan Turing and the team of bees"], top=660, size=12)
    stated = {"Author": "Ada Lovelace; Alan Turing"}
    assert matter(tmp_path, TITLE, lines, BODY, metadata=stated).authors == ("Ada Lovelace", "Alan Turing")


def test_author_of_the_file_who_is_not_printed_does_not_count(tmp_path: Path) -> None:
    assert matter(tmp_path, TITLE, BODY, metadata={"Author": "Some Secretary"}).authors == ()


def test_arxiv_stamp_gives_id_and_year(tmp_path: Path) -> None:
    stamp = [Text(text="arXiv:hep-th/9901001v3 1 Jan 1999", x=20, y=300, size=20)]
    found = matter(tmp_path, TITLE, stamp, BODY)
    assert (found.arxiv_id, found.year) == ("hep-th/9901001v3", 1999)
    assert found.title == PRINTED_TITLE


def test_year_is_printed_beside_volume_or_copyright(tmp_path: Path) -> None:
    footer = column(["Journal of Bees, Vol. 5, No. 1, 2009"], top=40)
    assert matter(tmp_path, TITLE, BODY, footer).year == 2009


def test_year_in_the_text_is_not_the_papers(tmp_path: Path) -> None:
    assert matter(tmp_path, TITLE, BODY, column(["Bees were studied in 1987 too."], top=300)).year is None
