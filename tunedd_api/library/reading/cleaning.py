"""
Raw pages → clean pages: what a person would call the text of the paper, in reading order.

Furniture is left out, words broken at line ends are joined, lines flow together into paragraphs. A space
stands for a line break inside a paragraph, a newline for one that the layout makes on purpose (lists, tables,
addresses), an empty line for the end of a paragraph. Every character remembers its raw one.
"""

import re
from array import array
from collections.abc import Iterable, Sequence, Set

from tunedd_api.library.model import Page
from tunedd_api.library.reading.characters import clean
from tunedd_api.library.reading.flow import breaks
from tunedd_api.library.reading.furniture import find_furniture
from tunedd_api.library.reading.layout import Line, RawPage, line_text

WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
LAST_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*\Z")
FIRST_WORD = re.compile(r"[^\W\d_]+")
LONGEST_WORD = 100
"""Characters. A line may be one endless word, and its beginning would be looked for in as many ways."""
COMPOUND_PART = 4
"""Letters that both halves must have to be taken for words of their own when nothing else decides."""


def clean_pages(pages: Sequence[RawPage]) -> tuple[Page, ...]:
    furniture = find_furniture(pages)
    words = words_of(pages)
    return tuple(
        _clean_page(page, [line for line in page.lines if (index, line.start) not in furniture], words)
        for index, page in enumerate(pages)
    )


def words_of(pages: Iterable[RawPage]) -> Set[str]:
    """The words that stand unbroken somewhere in the document: hyphenated compounds and their parts too."""
    found: set[str] = set()
    for page in pages:
        for line in page.lines:
            found.update(_whole_words(line_text(page, line).casefold(), hyphenated=line.hyphenated))
    compounds = [word for word in found if "-" in word]
    found.update(part for compound in compounds for part in compound.split("-"))
    return found


def _whole_words(text: str, *, hyphenated: bool) -> list[str]:
    words = WORD.findall(text)
    return words[:-1] if hyphenated else words


def _clean_page(page: RawPage, lines: Sequence[Line], words: Set[str]) -> Page:
    out: list[tuple[str, int]] = []
    separators = breaks(page, lines)
    for place, line in enumerate(lines):
        text = line_text(page, line)
        out.extend((character, line.start + index) for character, index in clean(text))
        following = line_text(page, lines[place + 1]) if place + 1 < len(lines) else ""
        if line.hyphenated and following:
            if keeps_hyphen(text, following, words):
                out.append(("-", line.end))
        else:
            out.extend((character, line.end) for character in separators[place])
    kept = _collapsed(out)
    return Page(
        number=page.number,
        text="".join(character for character, _ in kept),
        positions=array("I", [index for _, index in kept]),
    )


def keeps_hyphen(before: str, after: str, words: Set[str]) -> bool:
    """
    Whether a hyphen at a line end belongs to the word (`role-playing`) or only to the line end (`com-plex`).

    What the document itself writes elsewhere decides; else two whole words make a compound.
    """
    left, right = LAST_WORD.search(before[-LONGEST_WORD:]), FIRST_WORD.match(after)
    if left is None or right is None:
        return True
    first, second = left[0].casefold(), right[0].casefold()
    last_part = first.rpartition("-")[2]
    if f"{first}-{second}" in words or right[0][0].isupper():
        return True
    if first + second in words or last_part + second in words:
        return False
    return min(len(last_part), len(second)) >= COMPOUND_PART and {last_part, second} <= words


def _collapsed(characters: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """One space for many; none at the ends of lines; at most one empty line."""
    kept: list[tuple[str, int]] = []
    for character, index in characters:
        if character == " " and (not kept or kept[-1][0] in " \n"):
            continue
        if character == "\n":
            while kept and kept[-1][0] == " ":
                kept.pop()
            if not kept or [one for one, _ in kept[-2:]] == ["\n", "\n"]:
                continue
        kept.append((character, index))
    while kept and kept[-1][0].isspace():
        kept.pop()
    return kept
