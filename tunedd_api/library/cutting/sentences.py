"""Where sentences begin and end in clean text, and where words do."""

import re
from collections.abc import Iterator

END = re.compile(
    r"""(?P<mark>[.!?])["'”’)\]]*(?P<gap>\s+)(?=["'“‘(\[•]*[^\Wa-z_])|(?P<wide>[。！？])|(?P<line>\n+)"""
)
"""A full stop counts where a capital, a digit or a bullet follows; a newline always does."""
ABBREVIATION = re.compile(
    r"(?:^|[\s(\[“\"])(?:[A-Z]|e\.g|i\.e|etc|cf|vs|al|Figs?|Tabs?|Eqs?|Secs?|Refs?|Ch|App|Alg|Thm|Def|Lem|Prop"
    r"|Dr|Prof|Mr|Mrs|Ms|Jr|St|No|Nos|Vol|pp?|ed|eds|approx|resp|Inc|Ltd|Co|Univ|Dept|Proc|Conf|Int|Trans|J)\Z"
)
LONGEST_ABBREVIATION = 8
LONGEST_WORD = 100
"""Characters; what is longer is no word (encoded data, a script without spaces) and may be cut anywhere."""

Span = tuple[int, int]
"""Start and end in the text that was given."""


def sentences(text: str, start: int = 0, end: int | None = None) -> Iterator[Span]:
    """The sentences between two positions, without the space around them. Nothing else is left out."""
    end = len(text) if end is None else end
    begin = start
    for match in END.finditer(text, start, end):
        if match["mark"] == "." and _abbreviated(text, match.start(), begin):
            continue
        yield from _trimmed(text, begin, match.end())
        begin = match.end()
    yield from _trimmed(text, begin, end)


def paragraphs(text: str) -> Iterator[Span]:
    """The paragraphs, without the empty lines between them."""
    begin = 0
    for match in re.finditer(r"\n\n+", text):
        yield from _trimmed(text, begin, match.start())
        begin = match.end()
    yield from _trimmed(text, begin, len(text))


def words(text: str, start: int, end: int) -> Iterator[Span]:
    """The words between two positions; an overlong one in parts."""
    for match in re.finditer(rf"\S{{1,{LONGEST_WORD}}}", text[start:end]):
        yield start + match.start(), start + match.end()


def has_overlong_word(text: str) -> bool:
    return len(text) > LONGEST_WORD and re.search(rf"\S{{{LONGEST_WORD + 1}}}", text) is not None


def _abbreviated(text: str, mark: int, begin: int) -> bool:
    return ABBREVIATION.search(text, max(begin, mark - LONGEST_ABBREVIATION), mark) is not None


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    part = text[start:end]
    left, right = len(part) - len(part.lstrip()), len(part.rstrip())
    if left < right:
        yield start + left, start + right
