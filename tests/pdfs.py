"""Writes small PDFs: lines of Helvetica at given places, so that a test says what is printed where."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LETTER = (612, 792)


@dataclass(frozen=True, kw_only=True)
class Text:
    """One printed line; `y` from the bottom, in points."""

    text: str
    x: float = 72
    y: float
    size: float = 10


def column(lines: Iterable[str], *, x: float = 72, top: float = 700, size: float = 10) -> list[Text]:
    """Lines below each other at the usual distance."""
    return [Text(text=text, x=x, y=top - 1.2 * size * row, size=size) for row, text in enumerate(lines)]


def write_pdf(path: Path, pages: Sequence[Sequence[Text]], metadata: Mapping[str, str] | None = None) -> Path:
    path.write_bytes(pdf_bytes([_content(page) for page in pages], metadata))
    return path


def pdf_bytes(contents: Sequence[bytes], metadata: Mapping[str, str] | None = None) -> bytes:
    """A PDF of pages with these content streams, which are stored compressed."""
    kids = " ".join(f"{4 + 2 * index} 0 R" for index in range(len(contents)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(contents)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for index, content in enumerate(contents):
        body = zlib.compress(content)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {LETTER[0]} {LETTER[1]}] "
            f"/Resources << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * index} 0 R >>".encode()
        )
        objects.append(
            f"<< /Length {len(body)} /Filter /FlateDecode >>\nstream\n".encode() + body + b"\nendstream"
        )
    entries = " ".join(f"/{name} ({value})" for name, value in (metadata or {}).items())
    objects.append(f"<< {entries} >>".encode("latin-1"))
    return _file(objects)


def _content(page: Sequence[Text]) -> bytes:
    shown = []
    for line in page:
        escaped = line.text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        shown.append(f"BT /F1 {line.size} Tf 1 0 0 1 {line.x} {line.y} Tm ({escaped}) Tj ET")
    return "\n".join(shown).encode("cp1252")


def _file(objects: Sequence[bytes]) -> bytes:
    data = b"%PDF-1.7\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(data))
        data += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    trailer = (
        f"trailer\n<< /Size {size} /Root 1 0 R /Info {len(objects)} 0 R >>\nstartxref\n{len(data)}\n%%EOF\n"
    )
    return data + f"xref\n0 {size}\n0000000000 65535 f \n{table}{trailer}".encode()
