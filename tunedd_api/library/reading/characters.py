"""
Single characters of a PDF made fit for reading and searching.

Ligatures, full-width and presentation forms, mathematical alphabets and odd spaces become the plain letters
that people type. Superscripts, fractions, symbols and Greek stay: 10² must not become 102. Control, private
and unassigned characters, halves of surrogate pairs, and invisible marks, which can hide instructions, are
dropped.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

KEPT_MARKS = "\u200c\u200d"
"""Invisible, but part of the spelling of Persian and Indic scripts."""
PRIVATE_BULLETS = "\uf0b7\uf0a7\uf076\uf0d8"
"""The bullets of the Symbol and Wingdings fonts, as word processors write them."""
SPACING_ACCENTS = {"´": "\u0301", "¨": "\u0308", "ˆ": "\u0302", "˜": "\u0303", "ˇ": "\u030c", "˚": "\u030a"}
"""Older TeX fonts print an accent as a character of its own in front of its letter."""
DOTLESS = {"ı": "i", "ȷ": "j"}
PLAIN = re.compile(r"[\x20-\x7e]*\Z")


def clean(text: str) -> Iterator[tuple[str, int]]:
    """The clean characters of a stretch, each with the index it comes from."""
    if PLAIN.match(text):
        yield from zip(text, range(len(text)), strict=True)
        return
    index = 0
    while index < len(text):
        taken, replacement = _take(text, index)
        for character in replacement:
            yield character, index
        index += taken


def _take(text: str, index: int) -> tuple[int, str]:
    """How many characters belong together here, and what they become."""
    character, following = text[index], text[index + 1 : index + 2]
    if "\ud800" <= character <= "\udbff" and "\udc00" <= following <= "\udfff" and following:
        pair = 0x10000 + ((ord(character) - 0xD800) << 10) + (ord(following) - 0xDC00)
        return 2, plain(chr(pair))
    if character in SPACING_ACCENTS and following.isalpha():
        accented = _composed(DOTLESS.get(following, following) + SPACING_ACCENTS[character])
        return (2, accented) if accented else (1, plain(character))
    if following and unicodedata.combining(following):
        accented = _composed(plain(character) + following)
        return (2, accented) if accented else (1, plain(character))
    return 1, plain(character)


def _composed(letters: str) -> str | None:
    composed = unicodedata.normalize("NFC", letters)
    return composed if len(composed) == 1 else None


@lru_cache(maxsize=4096)
def plain(character: str) -> str:
    """What one character becomes: itself, other characters, a space, or nothing."""
    if character in PRIVATE_BULLETS:
        return "•"
    category = unicodedata.category(character)
    if character in "\t\n\v\f\r\u2028\u2029" or category == "Zs":
        return " "
    if category in ("Cc", "Cf", "Co", "Cs", "Cn") or character == "\ufffd":
        return character if character in KEPT_MARKS else ""
    return unicodedata.normalize("NFKC", character) if _is_disguised_letter(ord(character)) else character


def _is_disguised_letter(code: int) -> bool:
    return (
        0xFB00 <= code <= 0xFDFF  # Latin ligatures, Hebrew and Arabic presentation forms
        or 0xFE70 <= code <= 0xFEFF  # Arabic presentation forms
        or 0xFF00 <= code <= 0xFFEF  # full and half width
        or 0x1D400 <= code <= 0x1D7FF  # mathematical alphabets
        or 0x2F00 <= code <= 0x2FDF  # radicals that some fonts map Chinese characters to
        or code in (0x2126, 0x212A, 0x212B, 0xB5, 0x3D5, 0x3F5, 0x210E, 0x2113)  # Ω K Å µ ϕ ϵ ℎ ℓ
    )
