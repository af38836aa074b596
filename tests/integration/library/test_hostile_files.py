"""Files made to do harm: each ends with its text or a reason, and the next file is read as ever."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.bombs.pages import PAGE_BOMBS
from tests.bombs.streams import STREAM_BOMBS
from tests.bombs.structure import STRUCTURE_BOMBS
from tests.bombs.writing import SHOWN
from tests.pdfs import column, pdf_bytes, write_pdf
from tunedd_api.errors import Unreadable
from tunedd_api.library.model import BrokenPdf, Reading, ReadingFailed, TooManyPages, TooMuchText
from tunedd_api.library.reading.bounds import LONGEST_PAGE
from tunedd_api.library.reading.reader import Reader, ReadingLimits

BOMBS = {**STREAM_BOMBS, **STRUCTURE_BOMBS, **PAGE_BOMBS}
READ = {
    "a stream that says it is longer",
    "an image of ten gigapixels",
    "an image of JBIG2 junk",
    "an image of JPEG 2000 junk",
    "ten million pages, it says",
    "fewer than no pages, it says",
    "arrays in arrays",
    "dictionaries in dictionaries",
    "arrays without an end",
    "a page that is its own parent",
    "a stream whose length is the stream",
    "cross references in a circle",
    "thousands of updates",
    "a million widths",
    "numbers that are none",
    "a page without a size",
    "a page as large as the moon",
    "a page whose size is text",
    "a title of ten megabytes",
    "a title of nothing but names",
    "a title with halves of letters",
    "a title with zeros and escapes",
    "scripts and programs",
}
"""Those that are odd, but hold a text that a viewer would show."""
LINE = "Bees make honey."


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    reader = Reader(ReadingLimits(seconds=20, memory_mb=400))
    yield reader
    await reader.close()


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    return write_pdf(tmp_path / "paper.pdf", [column([LINE])])


async def outcome(reader: Reader, path: Path) -> Reading | Unreadable:
    try:
        return await reader.read(path)
    except Unreadable as reason:
        return reason


@pytest.mark.parametrize("name", BOMBS)
async def test_bomb_ends_with_text_or_a_reason(
    reader: Reader, paper: Path, tmp_path: Path, name: str
) -> None:
    bomb = tmp_path / "bomb.pdf"
    bomb.write_bytes(BOMBS[name]())
    found = await outcome(reader, bomb)
    if name in READ:
        assert isinstance(found, Reading), found
        assert LINE in found.pages[0].text
        assert not found.authors
    else:
        assert not isinstance(found, ReadingFailed)
    assert [page.text for page in (await reader.read(paper)).pages] == [LINE]


async def test_a_page_with_too_much_text_is_told_of(reader: Reader, tmp_path: Path) -> None:
    line = b"(honey bees are busy all day long in the sun) Tj T*\n"
    content = b"BT /F1 8 Tf 9 TL 9 700 Td\n" + line * (LONGEST_PAGE // 44 + 1) + b"ET"
    bomb = tmp_path / "bomb.pdf"
    bomb.write_bytes(pdf_bytes([content]))
    with pytest.raises(TooMuchText, match=r"Page 1 holds 2\d\d,\d{3} characters; .* up to 250,000"):
        await reader.read(bomb)


async def test_many_references_to_one_page_count_as_many_pages(reader: Reader, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.pdf"
    bomb.write_bytes(STRUCTURE_BOMBS["one page a hundred thousand times"]())
    with pytest.raises(TooManyPages, match="100000 pages"):
        await reader.read(bomb)


def _without_end(whole: bytes) -> bytes:
    return whole.replace(b"%%EOF", b"")


def _without_cross_references(whole: bytes) -> bytes:
    return whole[: whole.index(b"xref\n0 ")] + whole[whole.index(b"trailer") :]


def _wrong_places(whole: bytes) -> bytes:
    return whole.replace(b"00000 n", b"00007 n").replace(b"startxref\n", b"startxref\n9")


def _wrong_lengths(whole: bytes) -> bytes:
    return whole.replace(b"/Length ", b"/Length 1")


def _carriage_returns(whole: bytes) -> bytes:
    return whole.replace(b"\nendobj\n", b"\r\nendobj\r\n")


@pytest.mark.parametrize(
    "damage",
    [_without_end, _without_cross_references, _wrong_places, _wrong_lengths, _carriage_returns],
)
@pytest.mark.parametrize("junk", [0, 1, 500, 1024])
async def test_damaged_file_gives_the_text_that_it_holds(
    reader: Reader, tmp_path: Path, damage: Callable[[bytes], bytes], junk: int
) -> None:
    path = tmp_path / "damaged.pdf"
    path.write_bytes(b"x" * junk + damage(pdf_bytes([SHOWN])))
    assert [page.text for page in (await reader.read(path)).pages] == [LINE]


async def test_file_that_was_fetched_in_part_says_so(reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "part.pdf"
    whole = pdf_bytes([SHOWN])
    path.write_bytes(whole[: whole.index(b"/Kids")])
    with pytest.raises(BrokenPdf, match="end of the file is missing"):
        await reader.read(path)
