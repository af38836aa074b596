"""Text without what nobody sees: what a terminal obeys, what turns the reading direction, what hides."""

import unicodedata

JOINERS = "\u200c\u200d"
"""Invisible, but part of the spelling of Persian and Indic scripts, and of emoji."""
BLANK = "\t\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"
UNKNOWN = "\ufffd"


def visible(text: str) -> str:
    """
    One line stays one line, and newlines stay. What is no character at all shows as `�`.

    Whatever a stranger may have written goes through here on its way to a terminal: file names first of all.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _shown(character) for character in text)


def _shown(character: str) -> str:
    if character == "\n" or character in JOINERS:
        return character
    match unicodedata.category(character):
        case "Zs" | "Zl" | "Zp":
            return " "
        case "Cc":
            return " " if character in BLANK else ""
        case "Cf":
            return ""
        case _:
            return UNKNOWN
