"""Raw characters and lines out of a PDF with pypdf: slower and without places, but it opens other files."""

import logging
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from pypdf import PasswordType, PdfReader

from tunedd_api.library.model import BrokenPdf, PasswordProtected, TooManyPages, TooMuchText
from tunedd_api.library.reading.bounds import LONGEST_FIELD
from tunedd_api.library.reading.extraction import FIELDS, JUNK, SIGNATURE, measured
from tunedd_api.library.reading.layout import Line, RawPage, RawPdf

LONGEST_GAP = 100
"""Characters between the end of a line and the next line's first letter."""


def extract_with_pypdf(path: Path, *, max_pages: int, look_at: int) -> RawPdf:
    """
    The pages' text. If none of the first `look_at` pages has any, the rest is taken to have none either.

    Raises BrokenPdf, PasswordProtected, TooManyPages or TooMuchText.
    """
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        return _extract(path, max_pages, look_at)
    except (PasswordProtected, TooManyPages, TooMuchText, MemoryError):
        raise
    except Exception as error:
        # On a damaged file pypdf raises whatever its own code runs into, documented or not.
        raise BrokenPdf from error


def _extract(path: Path, max_pages: int, look_at: int) -> RawPdf:
    with path.open("rb") as file:
        reader = PdfReader(_from_signature(file))
        if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
            raise PasswordProtected
        count = len(reader.pages)
        if count > max_pages:
            raise TooManyPages(f"The PDF has {count} pages; this service reads up to {max_pages}.")
        if not count:
            raise BrokenPdf
        return RawPdf(pages=tuple(measured(_pages(reader, count, look_at))), metadata=_metadata(reader))


def _from_signature(file: BinaryIO) -> BinaryIO:
    """Without what stands in front: pypdf counts from the first byte, a PDF counts from its signature."""
    junk = file.read(JUNK + len(SIGNATURE)).find(SIGNATURE)
    file.seek(max(0, junk))
    return BytesIO(file.read()) if junk > 0 else file


def _pages(reader: PdfReader, count: int, look_at: int) -> Iterator[RawPage]:
    found = False
    for index in range(count):
        text = _page_text(reader, index) if found or index < look_at else ""
        found = found or bool(text.strip())
        yield _raw_page(index + 1, text)


def _page_text(reader: PdfReader, index: int) -> str:
    try:
        return reader.pages[index].extract_text()
    except MemoryError:
        raise
    except Exception:
        # A damaged page costs its own text only; what pypdf raises on one is not limited to its own errors.
        return ""


def _raw_page(number: int, text: str) -> RawPage:
    matches = re.finditer(r"[^\s](?:[^\r\n]*[^\s])?", text)
    lines = (Line(start=match.start(), end=match.end()) for match in matches)
    return RawPage(number=number, text=text, lines=tuple(_hyphenated(text, line) for line in lines))


def _hyphenated(text: str, line: Line) -> Line:
    follows = text[line.end : line.end + LONGEST_GAP].lstrip()[:1]
    if text[line.end - 1] in "-\u2010\u00ad" and follows.islower() and line.end - line.start > 1:
        return Line(start=line.start, end=line.end - 1, hyphenated=True)
    return line


def _metadata(reader: PdfReader) -> dict[str, str]:
    try:
        found = reader.metadata
        return {name: str(found.get(f"/{name}", ""))[:LONGEST_FIELD] for name in FIELDS} if found else {}
    except Exception:
        # Damaged metadata is no reason to lose a readable text.
        return {}
