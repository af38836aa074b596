"""Raw characters and lines out of a PDF: pdfium first, pypdf where pdfium cannot open it or finds no text."""

import ctypes
import math
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median

import pypdfium2
import pypdfium2.raw as pdfium

from tunedd_api.library.model import BrokenPdf, NoText, PasswordProtected, TooManyPages, TooMuchText
from tunedd_api.library.reading.bounds import LONGEST_FIELD, LONGEST_PAGE, LONGEST_TEXT
from tunedd_api.library.reading.layout import Box, Line, RawPage, RawPdf

HYPHEN = "\x02"
"""Stands in pdfium's text for a hyphen at the end of a line, and for the line break behind it."""
SIGNATURE = b"%PDF-"
JUNK = 1024
"""Bytes of something else that may stand in front of the signature."""
END = b"%%EOF"
END_WITHIN = 4096
INCOMPLETE = "The end of the file is missing, probably because a download broke off. Fetch it again."
SECOND_TRY_PAGES = 50
"""Where pdfium found no text, pypdf looks at this many pages before the file counts as a scan."""
FIELDS = ("Title", "Author")
"""What is read of a PDF's metadata."""
SIZE_SAMPLES = 5
"""Characters of a line whose height is measured."""


def extract(path: Path, *, max_pages: int) -> RawPdf:
    """Raises BrokenPdf, PasswordProtected, NoText, TooManyPages, TooMuchText; OSError if there is no file."""
    with path.open("rb") as file:
        if SIGNATURE not in file.read(JUNK + len(SIGNATURE)):
            raise BrokenPdf
    raw: RawPdf | None = None
    # What pdfium calls broken, pypdf may still open.
    with suppress(BrokenPdf):
        raw = _with_pdfium(path, max_pages)
    if raw is None or not _has_text(raw):
        raw = _second_try(path, raw, max_pages)
    if not _has_text(raw):
        raise NoText
    return raw


def _second_try(path: Path, first: RawPdf | None, max_pages: int) -> RawPdf:
    # Loaded only here: most files never need it, and it is slow to import.
    from tunedd_api.library.reading.second_extraction import extract_with_pypdf

    try:
        return extract_with_pypdf(path, max_pages=max_pages, look_at=SECOND_TRY_PAGES if first else max_pages)
    except PasswordProtected:
        if first is None:
            raise
    except BrokenPdf:
        if first is None:
            raise _what_is_broken(path) from None
    return first


def _what_is_broken(path: Path) -> BrokenPdf:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - END_WITHIN))
        return BrokenPdf() if END in file.read() else BrokenPdf(INCOMPLETE)


def _has_text(raw: RawPdf) -> bool:
    return any(any(character.isalnum() for character in page.text) for page in raw.pages)


def _with_pdfium(path: Path, max_pages: int) -> RawPdf:
    try:
        pdf = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            raise PasswordProtected from None
        raise BrokenPdf from None
    with pdf:
        if len(pdf) > max_pages:
            raise TooManyPages(f"The PDF has {len(pdf)} pages; this service reads up to {max_pages}.")
        if not len(pdf):
            raise BrokenPdf
        pages = tuple(measured(_page(pdf, index) for index in range(len(pdf))))
        return RawPdf(pages=pages, metadata=_metadata(pdf))


def measured(pages: Iterable[RawPage]) -> Iterator[RawPage]:
    """The pages. Raises TooMuchText as soon as one of them, or all together, are too long."""
    room = LONGEST_TEXT
    for page in pages:
        _check_length(page.number, len(page.text))
        room -= len(page.text)
        if room < 0:
            raise TooMuchText(
                f"The PDF holds more than {LONGEST_TEXT:,} characters, which this service reads."
            )
        yield page


def _check_length(number: int, length: int) -> None:
    if length > LONGEST_PAGE:
        raise TooMuchText(
            f"Page {number} holds {length:,} characters; this service reads up to {LONGEST_PAGE:,} of a page."
        )


def _metadata(pdf: pypdfium2.PdfDocument) -> dict[str, str]:
    found = {}
    for name in FIELDS:
        # Text of one half of a surrogate pair: that field is lost, the document is not.
        with suppress(UnicodeDecodeError):
            found[name] = pdf.get_metadata_value(name)[:LONGEST_FIELD]
    return found


def _page(pdf: pypdfium2.PdfDocument, index: int) -> RawPage:
    try:
        page = pdf[index]
    except pypdfium2.PdfiumError:
        # A damaged page costs its own text only, and the numbers of the others stay right.
        return RawPage(number=index + 1, text="", lines=())
    try:
        text_page = page.get_textpage()
        length = text_page.count_chars()
        _check_length(index + 1, length)
        text = _text(text_page.raw, length)
        lines = tuple(_lines(text_page.raw, text))
        text_page.close()
        turned = page.get_rotation() != 0
        return RawPage(
            number=index + 1, text=text, lines=lines, box=None if turned else _box(*page.get_bbox())
        )
    except pypdfium2.PdfiumError:
        return RawPage(number=index + 1, text="", lines=())
    finally:
        page.close()


def _text(handle: object, length: int) -> str:
    # Character by character, because only so are the positions those of pdfium's boxes.
    unicode_at = pdfium.FPDFText_GetUnicode
    codes = [unicode_at(handle, index) for index in range(length)]
    return "".join([chr(code) if code <= 0x10FFFF else "\0" for code in codes])


def _lines(handle: object, text: str) -> Iterator[Line]:
    for match in re.finditer(rf"([^\r\n{HYPHEN}]*)({HYPHEN}|[\r\n]+|\Z)", text):
        start, end = match.span(1)
        while start < end and text[start].isspace():
            start += 1
        while start < end and text[end - 1].isspace():
            end -= 1
        if start < end:
            yield _line(handle, text, start, end, hyphenated=match[2] == HYPHEN)


def _line(handle: object, text: str, start: int, end: int, *, hyphenated: bool) -> Line:
    first, last = _corners(handle, start), _corners(handle, end - 1)
    height = first[3] - first[1]
    upright = abs(last[1] - first[1]) <= max(abs(last[0] - first[0]), height * 2)
    inked = [index for index in range(start, end) if not text[index].isspace()]
    corners = [_corners(handle, index) for index in inked[:: max(1, len(inked) // SIZE_SAMPLES)]]
    heights = [top - bottom for _, bottom, _, top in corners]
    sizes = all(map(math.isfinite, heights))
    return Line(
        start=start,
        end=end,
        box=_box(
            min(first[0], last[0]), min(first[1], last[1]), max(first[2], last[2]), max(first[3], last[3])
        ),
        size=round(median(heights), 2) if sizes else 0.0,
        tallest=round(max(heights), 2) if sizes else 0.0,
        upright=upright,
        hyphenated=hyphenated,
    )


def _box(left: float, bottom: float, right: float, top: float) -> Box | None:
    """None for a place that is none: a PDF may say that something stands at infinity."""
    known = all(map(math.isfinite, (left, bottom, right, top)))
    return Box(left=left, bottom=bottom, right=right, top=top) if known else None


def _corners(handle: object, index: int) -> tuple[float, float, float, float]:
    """Left, bottom, right and top of a character. The loose box: letters of one size have one height."""
    rectangle = pdfium.FS_RECTF()
    pdfium.FPDFText_GetLooseCharBox(handle, index, ctypes.byref(rectangle))
    return rectangle.left, rectangle.bottom, rectangle.right, rectangle.top
