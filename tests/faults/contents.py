"""Papers to add: short ones, and as many different contents of each as are wanted."""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pypdfium2

from tests.world import SAMPLES, SHARED
from tunedd_api.library.model import document_id_of

CUTS = (2, 3, 5, 9)
"""Pages that the papers are cut down to, so that a round stays short."""
PAPERS = ("2503.09794", "2504.14689", "2512.00656", "1907.11692")
BAD = b"%PDF-1.7\nThis is the signature of a PDF, and that is all there is of one.\n"


@dataclass(frozen=True, kw_only=True)
class Content:
    """A file that is unlike every other: a comment behind its end gives it a digest of its own."""

    name: str
    data: bytes
    good: bool

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def id(self) -> str:
        """Of the document that it becomes."""
        return document_id_of(self.sha256)


class Contents:
    """Makes contents; which, its random numbers decide."""

    def __init__(self, base: Sequence[bytes], chance: random.Random) -> None:
        self._base = base
        self._chance = chance
        self._made = 0

    def next(self, *, bad: float = 0.1) -> Content:
        self._made += 1
        good = self._chance.random() >= bad
        data = self._chance.choice(self._base) if good else BAD
        mark = f"\n% {self._made} {self._chance.random()}\n".encode()
        return Content(name=f"paper-{self._made}.pdf", data=data + mark, good=good)


def short_papers() -> list[bytes]:
    """The samples, and where there are real papers the first pages of some."""
    found = [path.read_bytes() for path in sorted(SAMPLES.glob("*.pdf"))]
    for name, pages in zip(PAPERS, CUTS, strict=True):
        path = SHARED / "papers" / "corpus" / f"{name}.pdf"
        if path.exists():
            found.append(_first_pages(path, pages))
    return found


def _first_pages(path: Path, count: int) -> bytes:
    with pypdfium2.PdfDocument(path) as paper, pypdfium2.PdfDocument.new() as short:
        short.import_pages(paper, list(range(min(count, len(paper)))))
        data = BytesIO()
        short.save(data)
        return data.getvalue()
