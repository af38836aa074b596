"""Writes PDFs that need not be right: any objects, any trailer."""

import zlib
from collections.abc import Sequence

SHOWN = b"BT /F1 10 Tf 1 0 0 1 72 700 Tm (Bees make honey.) Tj ET\n"
"""A content stream that prints a line, in the fonts that `pdf` gives its pages."""
FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
FIRST_FREE = 6
"""Number of the first of the `more` objects of `pdf`."""


def stream(body: bytes, entries: str = "") -> bytes:
    return f"<< /Length {len(body)} {entries} >>\nstream\n".encode() + body + b"\nendstream"


def compressed(body: bytes, entries: str = "") -> bytes:
    return stream(zlib.compress(body), f"/Filter /FlateDecode {entries}")


def pdf(
    contents: bytes,
    *,
    more: Sequence[bytes] = (),
    page: str = "",
    pages: str = "/Kids [3 0 R] /Count 1",
    resources: str = "",
    font: bytes = FONT,
    trailer: str = "",
) -> bytes:
    """One page of these contents (an object); what is given beside it is put into the dictionaries."""
    box = "" if "/MediaBox" in page else "/MediaBox [0 0 612 792]"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages {pages} >>".encode(),
        f"<< /Type /Page /Parent 2 0 R {box} /Contents 4 0 R "
        f"/Resources << /Font << /F1 5 0 R >> {resources} >> {page} >>".encode(),
        contents,
        font,
        *more,
    ]
    return file(objects, trailer)


def file(objects: Sequence[bytes], trailer: str = "", version: bytes = b"%PDF-1.7\n") -> bytes:
    """Numbered from 1; the first is the catalogue."""
    parts = [version]
    offsets, length = [], len(version)
    for number, body in enumerate(objects, 1):
        offsets.append(length)
        parts.append(b"%d 0 obj\n%s\nendobj\n" % (number, body))
        length += len(parts[-1])
    size = len(objects) + 1
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    ending = f"trailer\n<< /Size {size} /Root 1 0 R {trailer} >>\nstartxref\n{length}\n%%EOF\n"
    return b"".join([*parts, f"xref\n0 {size}\n0000000000 65535 f \n{table}{ending}".encode()])


def deflated(unit: bytes, times: int) -> bytes:
    """What `unit` repeated that often compresses to, without ever holding it."""
    packer = zlib.compressobj(9, wbits=-15)
    packer.compress(b"")
    once = packer.compress(unit) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x78\xda" + once * times + packer.flush()
