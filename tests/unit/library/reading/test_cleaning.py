"""Raw pages become clean ones, and every clean character knows where it comes from."""

from pathlib import Path

from tests.pdfs import column, write_pdf
from tunedd_api.library.model import Page
from tunedd_api.library.reading.cleaning import clean_pages
from tunedd_api.library.reading.extraction import extract
from tunedd_api.library.reading.layout import RawPage


def cleaned(tmp_path: Path, *pages: list[str]) -> tuple[Page, ...]:
    return clean_pages(raw_pages(tmp_path, *pages))


def raw_pages(tmp_path: Path, *pages: list[str]) -> tuple[RawPage, ...]:
    return extract(write_pdf(tmp_path / "a.pdf", [column(page) for page in pages]), max_pages=9).pages


def test_word_broken_at_a_line_end_is_joined(tmp_path: Path) -> None:
    (page,) = cleaned(tmp_path, ["We study how they coordi-", "nate with each other."])
    assert page.text == "We study how they coordinate with each other."


def test_hyphen_stays_where_the_document_writes_the_compound_elsewhere(tmp_path: Path) -> None:
    lines = ["All role-playing agents are tested. They like role-", "playing with each other very much."]
    assert "like role-playing with" in cleaned(tmp_path, lines)[0].text


def test_hyphen_goes_where_the_document_writes_one_word_elsewhere(tmp_path: Path) -> None:
    lines = ["No overfitting was seen. We think over-", "fitting needs more steps than these."]
    assert "think overfitting needs" in cleaned(tmp_path, lines)[0].text


def test_hyphen_stays_between_two_long_words_of_the_document(tmp_path: Path) -> None:
    lines = ["A leader and a follower meet. In leader-", "follower consensus they agree on a value."]
    assert "In leader-follower consensus" in cleaned(tmp_path, lines)[0].text


def test_every_character_knows_its_raw_one(tmp_path: Path) -> None:
    lines = ["Several  words, and a coordi-", "nated end of it (10%)."]
    (raw,) = raw_pages(tmp_path, lines)
    (page,) = clean_pages([raw])
    assert len(page.positions) == len(page.text)
    assert list(page.positions) == sorted(page.positions)
    for character, position in zip(page.text, page.positions, strict=True):
        assert character == raw.text[position] or (character == " " and raw.text[position].isspace())


def test_spaces_collapse_and_paragraphs_are_kept_apart(tmp_path: Path) -> None:
    texts = column(["The first   paragraph is long enough to fill", "its line and ends here."])
    texts += column(["The second paragraph follows after a gap of", "more than one line."], top=650)
    raw = extract(write_pdf(tmp_path / "a.pdf", [texts]), max_pages=1)
    (page,) = clean_pages(raw.pages)
    assert page.text == (
        "The first paragraph is long enough to fill its line and ends here.\n\n"
        "The second paragraph follows after a gap of more than one line."
    )


def test_page_without_text_stays_a_page(tmp_path: Path) -> None:
    pages = cleaned(tmp_path, ["Something"], [], ["Something else"])
    assert [page.number for page in pages] == [1, 2, 3]
    assert pages[1].text == ""
