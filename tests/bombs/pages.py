"""Fonts, text, metadata and encryption that no printer ever made."""

from collections.abc import Callable, Mapping

from tests.bombs.writing import SHOWN, compressed, deflated, pdf, stream

MILLION = 1_000_000


def _character_map() -> bytes:
    """A million characters and what they stand for, one of them a long text."""
    entries = "".join(f"<{code:04x}> <{code:04x}>\n" for code in range(65536)) * 5
    long = f"1 beginbfrange\n<0000> <ffffffff> <{'0041' * 9999}>\nendbfrange"
    ranges = f"{MILLION} beginbfchar\n{entries}endbfchar\n{long}"
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R >>"
    return pdf(stream(SHOWN), font=font, more=[compressed(ranges.encode())])


def _font_file(body: bytes) -> bytes:
    font = (
        b"<< /Type /Font /Subtype /TrueType /BaseFont /Odd /FirstChar 0 /LastChar 255 /Widths [500] "
        b"/FontDescriptor 6 0 R >>"
    )
    descriptor = b"<< /Type /FontDescriptor /FontName /Odd /Flags 4 /FontFile2 7 0 R >>"
    return pdf(stream(SHOWN), font=font, more=[descriptor, body])


def _broken_font() -> bytes:
    return _font_file(compressed(b"\0\1\0\0\xff\xff" + bytes(range(256)) * 400))


def _huge_font() -> bytes:
    return _font_file(stream(deflated(b"\0\1\0\0" * (1 << 18), 1024), "/Filter /FlateDecode"))


def _widths() -> bytes:
    font = (
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /FirstChar 0 /LastChar 999999 /Widths ["
        + b"500 " * MILLION
        + b"] >>"
    )
    return pdf(stream(SHOWN), font=font)


def _drawn_letters() -> bytes:
    """The procedure that draws the letter `B` of a Type 3 font prints a `B` in that font."""
    font = (
        b"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 1 1] /FontMatrix [1 0 0 1 0 0] /FirstChar 66 "
        b"/LastChar 66 /Widths [1] /CharProcs << /B 6 0 R >> /Encoding << /Differences [66 /B] >> "
        b"/Resources << /Font << /F1 5 0 R >> >> >>"
    )
    return pdf(stream(SHOWN), font=font, more=[stream(b"1 0 d0 BT /F1 1 Tf (BBBB) Tj ET")])


def _characters(count: int) -> Callable[[], bytes]:
    def write() -> bytes:
        line = b"(honey bees are busy all day long in the sun) Tj T*\n"
        return pdf(compressed(b"BT /F1 8 Tf 9 TL 9 700 Td\n" + line * (count // 45) + b"ET"))

    return write


def _letters_without_space() -> bytes:
    return pdf(compressed(b"BT /F1 8 Tf 9 700 Td (" + b"x" * 200_000 + b") Tj ET"))


def _numbers() -> bytes:
    odd = (
        b"99999999999999999999999999999999999999999",
        b"-1e400",
        b"nan",
        b"inf",
        b"0",
        b"-0.0000001",
        b"--5",
    )
    lines = [
        b"BT /F1 %s Tf 1 0 0 1 %s %s Tm (Bees make honey.) Tj ET" % (size, place, place)
        for size in odd
        for place in odd
    ]
    matrices = [b"q %s %s 0 0 %s 0 cm %s Q" % (one, other, one, SHOWN) for one in odd for other in odd]
    return pdf(stream(b"\n".join([*lines, *matrices, SHOWN])))


def _page_of(entries: str) -> Callable[[], bytes]:
    return lambda: pdf(stream(SHOWN), page=entries)


def _metadata(value: bytes) -> Callable[[], bytes]:
    def write() -> bytes:
        info = b"<< /Title (%s) /Author (%s) >>" % (value, value)
        return pdf(stream(SHOWN), more=[info], trailer="/Info 6 0 R")

    return write


def _encrypted(entries: str) -> Callable[[], bytes]:
    def write() -> bytes:
        digest = "41" * 48
        keys = " ".join(f"/{whose}{part} <{digest}>" for whose in "OU" for part in ("", "E"))
        return pdf(
            stream(SHOWN),
            more=[f"<< /Filter /Standard {entries} {keys} /Perms <{digest}> >>".encode()],
            trailer=f"/Encrypt 6 0 R /ID [<{digest}> <{digest}>]",
        )

    return write


def _active() -> bytes:
    """Whatever a viewer may run, open or fetch when the file is opened."""
    script = "/S /JavaScript /JS (app.alert\\(1\\); while \\(true\\) {})"
    launch = "/S /Launch /F (/bin/sh) /Win << /F (cmd.exe) >>"
    more = [
        b"<< /Type /Filespec /F (x.exe) /EF << /F 7 0 R >> >>",
        stream(b"MZ" * 999, "/Type /EmbeddedFile"),
    ]
    actions = f"/AA << /O << {script} >> /C << {launch} >> >>"
    written = pdf(stream(SHOWN), more=more, page=actions)
    opening = f"/OpenAction << {script} /Next << {launch} >> >> /Names << /EmbeddedFiles 6 0 R >>"
    return written.replace(b"/Type /Catalog", f"/Type /Catalog {opening}".encode())


PAGE_BOMBS: Mapping[str, Callable[[], bytes]] = {
    "a map of a million characters": _character_map,
    "a broken font": _broken_font,
    "a font of a gigabyte": _huge_font,
    "a million widths": _widths,
    "letters that draw themselves": _drawn_letters,
    "a page of five million characters": _characters(5 * MILLION),
    "a word of two hundred thousand letters": _letters_without_space,
    "numbers that are none": _numbers,
    "a page without a size": _page_of("/MediaBox [0 0 0 0]"),
    "a page as large as the moon": _page_of("/MediaBox [0 0 1e38 1e38] /UserUnit 1e38"),
    "a page whose size is text": _page_of("/MediaBox [(a) /B [] nan] /Rotate (x)"),
    "a title of ten megabytes": _metadata(b"Bees make honey. " * 600_000),
    "a title of nothing but names": _metadata(b"A.." * 3_000 + b"!"),
    "a title with halves of letters": _metadata(
        b"\xfe\xff\xd8\x3d\x00\x00\xde\x00\xd8\x3d\x00\x41\xdc\xff\x20\x2e"
    ),
    "a title with zeros and escapes": _metadata(b"\0\x1b[2J\x07Bees\0 make\x9b honey."),
    "a key of two billion bits": _encrypted("/V 4 /R 4 /Length 2147483647 /P -1"),
    "a key of no bits": _encrypted("/V 1 /R 2 /Length 0 /P -1"),
    "a key of fewer than no bits": _encrypted("/V 2 /R 3 /Length -128 /P 99999999999999999999"),
    "a hash that is dear to check": _encrypted("/V 5 /R 6 /Length 256 /P -1"),
    "encryption that nobody knows": _encrypted("/V 99 /R 99 /Length 40 /P 0"),
    "scripts and programs": _active,
}
