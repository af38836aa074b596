"""Streams that are small in the file and huge when unpacked."""

import zlib
from collections.abc import Callable, Iterator, Mapping

from tests.bombs.writing import SHOWN, compressed, deflated, pdf, stream

MEGABYTE = 1 << 20
GIGABYTE = 1 << 30


def _zeros() -> bytes:
    return pdf(stream(deflated(bytes(MEGABYTE), 1024), "/Filter /FlateDecode"))


def _operators() -> bytes:
    return pdf(stream(deflated(SHOWN * 20_000, 900), "/Filter /FlateDecode"))


def _saved_states() -> bytes:
    return pdf(stream(deflated(b"q " * (MEGABYTE // 2), 256), "/Filter /FlateDecode"))


def _one_string() -> bytes:
    """A gigabyte between one pair of brackets."""
    return pdf(stream(deflated(b"BT /F1 9 Tf (" + b"x" * MEGABYTE, 1024), "/Filter /FlateDecode"))


def _chained() -> bytes:
    once = deflated(bytes(MEGABYTE), 4 * 1024)
    return pdf(stream(zlib.compress(zlib.compress(once)), f"/Filter [{'/FlateDecode ' * 3}]"))


def _many_filters() -> bytes:
    """Each is cheap; going through all of them again and again is not."""
    return pdf(stream(b"ff" * 1000 + b">", f"/Filter [{'/ASCIIHexDecode ' * 50_000}]"))


def _hexadecimal() -> bytes:
    return pdf(stream(deflated(b"00" * MEGABYTE, 32), "/Filter [/FlateDecode /ASCIIHexDecode]"))


def _run_length() -> bytes:
    packed = deflated(b"\x81\x00" * (MEGABYTE // 2), 16)
    return pdf(stream(packed, "/Filter [/FlateDecode /RunLengthDecode]"))


def _lzw() -> bytes:
    return pdf(stream(b"".join(_lzw_zeros(1500)), "/Filter /LZWDecode"))


def _lzw_zeros(tables: int) -> Iterator[bytes]:
    """Clear table, a zero, then each time the newest entry: zeros, one more with each code."""
    codes = [(256, 9), (0, 9), *((code, _width(code)) for code in range(258, 4094))]
    once = "".join(f"{code:0{width}b}" for code, width in codes)
    # The clear code between two tables is as wide as the last code.
    bits = once + ("" if len(once) % 8 == 0 else f"{256:012b}" + once[9:]) * 7
    bits = bits[: len(bits) // 8 * 8]
    yield from [int(bits, 2).to_bytes(len(bits) // 8, "big")] * (tables // 8)


def _width(code: int) -> int:
    return 9 if code < 511 else 10 if code < 1023 else 11 if code < 2047 else 12


def _predictor() -> bytes:
    parameters = "/DecodeParms << /Predictor 15 /Columns 2147483647 /Colors 32 /BitsPerComponent 16 >>"
    return pdf(compressed(SHOWN, parameters))


def _wrong_length() -> bytes:
    return pdf(stream(SHOWN).replace(b"/Length ", b"/Length 9999999999"))


def _object_stream() -> bytes:
    """A gigabyte of objects, of which one is asked for."""
    packed = stream(
        deflated(b" " * MEGABYTE, 1024), "/Type /ObjStm /N 2000000000 /First 1000000000 /Filter /FlateDecode"
    )
    return pdf(b"<< >>", more=[packed], page="/Extends 6 0 R")


def _cross_references() -> bytes:
    """A compressed table of cross references for two billion objects."""
    table = stream(
        deflated(b"\x01\x00\x00\x00\x10\x00" * 100_000, 1500),
        "/Type /XRef /W [1 4 1] /Size 2147483647 /Index [0 2147483647] /Root 1 0 R /Filter /FlateDecode",
    )
    return b"%PDF-1.7\n1 0 obj\n" + table + b"\nendobj\nstartxref\n9\n%%EOF\n"


def _image(entries: str, body: bytes = b"\0" * 1000) -> bytes:
    image = stream(
        body,
        f"/Type /XObject /Subtype /Image /Width 100000 /Height 100000 /BitsPerComponent 8 {entries}",
    )
    return pdf(stream(SHOWN + b"/X Do"), more=[image], resources="/XObject << /X 6 0 R >>")


STREAM_BOMBS: Mapping[str, Callable[[], bytes]] = {
    "a gigabyte of zeros": _zeros,
    "a gigabyte of operators": _operators,
    "a hundred million saved states": _saved_states,
    "a string of a gigabyte": _one_string,
    "four gigabytes, compressed three times": _chained,
    "fifty thousand filters": _many_filters,
    "zeros as hexadecimal": _hexadecimal,
    "zeros as run lengths": _run_length,
    "zeros as LZW": _lzw,
    "a predictor for rows of gigabytes": _predictor,
    "a stream that says it is longer": _wrong_length,
    "a gigabyte of objects": _object_stream,
    "two billion cross references": _cross_references,
    "an image of ten gigapixels": lambda: _image("/ColorSpace /DeviceRGB"),
    "an image of JBIG2 junk": lambda: _image("/Filter /JBIG2Decode", bytes(range(256)) * 40),
    "an image of JPEG 2000 junk": lambda: _image("/Filter /JPXDecode", b"\0\0\0\x0cjP  \r\n\x87\n" * 99),
}
