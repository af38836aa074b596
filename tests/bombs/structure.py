"""Page trees, objects and cross references that never end, or go very deep."""

from collections.abc import Callable, Mapping

from tests.bombs.writing import FIRST_FREE, FONT, SHOWN, file, pdf, stream

DEEP = 100_000


def _claimed_pages() -> bytes:
    return pdf(stream(SHOWN), pages="/Kids [3 0 R] /Count 10000000")


def _negative_pages() -> bytes:
    return pdf(stream(SHOWN), pages="/Kids [3 0 R] /Count -7")


def _same_page() -> bytes:
    return pdf(stream(SHOWN), pages=f"/Kids [{'3 0 R ' * DEEP}] /Count {DEEP}")


def _page_tree_in_a_circle() -> bytes:
    more = [b"<< /Type /Pages /Parent 2 0 R /Kids [2 0 R 6 0 R 3 0 R] /Count 4 >>"]
    return pdf(stream(SHOWN), pages="/Kids [6 0 R 2 0 R 3 0 R] /Count 1000", more=more)


def _deep_page_tree(levels: int = 20_000) -> bytes:
    def parent(level: int) -> int:
        return 2 if level == 0 else FIRST_FREE + level - 1

    more = [
        f"<< /Type /Pages /Parent {parent(level)} 0 R /Count 1 "
        f"/Kids [{3 if level + 1 == levels else FIRST_FREE + level + 1} 0 R] >>".encode()
        for level in range(levels)
    ]
    return pdf(stream(SHOWN), pages=f"/Kids [{FIRST_FREE} 0 R] /Count 1", more=more)


def _wide_page_tree() -> bytes:
    """Ten levels that each hold the next one ten times: ten billion pages in a kilobyte."""
    more = [
        b"<< /Type /Pages /Kids [%s] /Count %d >>"
        % (b"%d 0 R " % (FIRST_FREE + level + 1) * 10, 10 ** (10 - level))
        for level in range(9)
    ]
    leaf = b"<< /Type /Pages /Kids [%s] /Count 10 >>" % (b"3 0 R " * 10)
    return pdf(stream(SHOWN), pages=f"/Kids [{FIRST_FREE} 0 R] /Count 10000000000", more=[*more, leaf])


def _nested(opening: bytes, closing: bytes) -> Callable[[], bytes]:
    def write() -> bytes:
        return pdf(stream(SHOWN), more=[opening * DEEP + closing * DEEP], page="/Deep 6 0 R")

    return write


def _nested_in_contents() -> bytes:
    return pdf(stream(b"[" * DEEP + SHOWN + b"<< /A " * DEEP + b"q BT " * DEEP + SHOWN))


def _inherits_from_itself() -> bytes:
    """What a page lacks is asked of its parent, which is the page."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 /Parent 3 0 R >>",
        b"<< /Type /Page /Parent 3 0 R /Contents 4 0 R >>",
        stream(SHOWN),
        FONT,
    ]
    return file(objects)


def _reference_to_itself() -> bytes:
    return pdf(b"4 0 R", page="/Rotate 6 0 R", more=[b"7 0 R", b"6 0 R"])


def _length_of_itself() -> bytes:
    return pdf(b"<< /Length 4 0 R >>\nstream\n" + SHOWN + b"endstream")


def _drawing_itself() -> bytes:
    form = stream(
        SHOWN + b"/X Do /X Do",
        "/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << /XObject << /X 6 0 R >> >>",
    )
    return pdf(stream(b"/X Do"), more=[form], resources="/XObject << /X 6 0 R >>")


def _doubling_forms(levels: int = 40) -> bytes:
    """Each form draws the next one twice: a trillion lines."""
    more = [
        stream(
            b"/X Do /X Do",
            f"/Type /XObject /Subtype /Form /BBox [0 0 612 792] "
            f"/Resources << /XObject << /X {FIRST_FREE + level + 1} 0 R >> >>",
        )
        for level in range(levels)
    ]
    last = stream(
        SHOWN, "/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << /Font << /F1 5 0 R >> >>"
    )
    return pdf(stream(b"/X Do"), more=[*more, last], resources=f"/XObject << /X {FIRST_FREE} 0 R >>")


def _previous_is_this() -> bytes:
    """The cross references say that earlier ones are where they are themselves."""
    written = pdf(stream(SHOWN))
    place = written.rpartition(b"startxref\n")[2].split()[0]
    return written.replace(b"/Root 1 0 R", b"/Root 1 0 R /Prev " + place)


def _updates(times: int = 3_000) -> bytes:
    """A file that was saved again and again, each time with a new section at its end."""
    written = pdf(stream(SHOWN))
    previous = int(written.rpartition(b"startxref\n")[2].split()[0])
    parts, length = [written], len(written)
    for _ in range(times):
        body = b"4 0 obj\n" + stream(SHOWN) + b"\nendobj\n"
        table = f"xref\n4 1\n{length:010} 00000 n \n"
        trailer = f"trailer\n<< /Size 6 /Root 1 0 R /Prev {previous} >>\n"
        previous = length + len(body)
        part = body + f"{table}{trailer}startxref\n{previous}\n%%EOF\n".encode()
        parts.append(part)
        length += len(part)
    return b"".join(parts)


STRUCTURE_BOMBS: Mapping[str, Callable[[], bytes]] = {
    "ten million pages, it says": _claimed_pages,
    "fewer than no pages, it says": _negative_pages,
    "one page a hundred thousand times": _same_page,
    "a page tree in a circle": _page_tree_in_a_circle,
    "a deep page tree": _deep_page_tree,
    "ten billion pages in a kilobyte": _wide_page_tree,
    "arrays in arrays": _nested(b"[", b"]"),
    "dictionaries in dictionaries": _nested(b"<< /A ", b">> "),
    "arrays without an end": _nested(b"[", b""),
    "nesting in a content stream": _nested_in_contents,
    "a page that is its own parent": _inherits_from_itself,
    "references in a circle": _reference_to_itself,
    "a stream whose length is the stream": _length_of_itself,
    "a form that draws itself": _drawing_itself,
    "forms that draw each other twice": _doubling_forms,
    "cross references in a circle": _previous_is_this,
    "thousands of updates": _updates,
}
