"""The names of a paper's authors: from a metadata field, or from the lines below the title."""

import re
from collections.abc import Iterator, Sequence

from tunedd_api.library.reading.characters import clean
from tunedd_api.library.reading.layout import Line, RawPage, line_text

MARKERS = re.compile(r"[\d∗*†‡§¶♠♥♦♣♢⋆⋄◇△▽∥‖#⊕⊗♮♯¹²³⁴⁵⁶⁷⁸⁹⁰·|;,&]+|\band\b|\b[a-z]\b(?=[,\s∗]|$)")
"""What stands between names, or is printed raised behind them."""
PARTICLE = r"(?:van|von|der|den|de|del|della|di|da|dos|la|le|bin|ibn|al|el|ter|ten)"
CAPITALISED = r"(?:[dlDO]['’])?[^\W\d_a-z][\w'’‐-]*"
NAME = re.compile(rf"(?:{CAPITALISED}|{PARTICLE}(?=\s))(?:[\s.]+(?:{CAPITALISED}|{PARTICLE}(?=\s)))*\.?")
"""There is one way to match it: rows of dots, as in a table of contents, would else be tried in millions."""
LONGEST_NAME = 80
NO_PERSON = re.compile(
    r"universit|institut|department|school|college|laborator|\blabs?\b|cent(?:er|re)\b|facult|academ|research"
    r"|foundation|hospital|ministry|corporation|\binc\b|\bltd\b|gmbh|\bllc\b|google|microsoft|deepmind|openai|\bmeta\b"
    r"|amazon|nvidia|\bibm\b|\bai\b|alibaba|tencent|bytedance|huawei|baidu|salesforce|facebook|apple\b|technolog"
    r"|hugging face|politecnico|engineering|science|division|program|group\b|team\b|society|council|national"
    r"|state\b|\busa?\b|\buk\b|\b(?:china|germany|france|canada|japan|india|korea|singapore)\b"
    r"|abstract|introduction|keywords|correspond|equal|contribut|student|member|ieee|fellow|author|email|@|street|avenue|polytech|\beth\b|\bmit\b|ucla|berkeley"
    r"|stanford|independent|startup|company|systems?\b|computer|physics|mathemat|preprint|version|review|journal",
    re.IGNORECASE,
)
SAME_TYPE = 0.03
MOST_LINES = 60
"""Lines below the title that can still name authors."""
END = re.compile(
    r"(?:\W*\d?\W*)(?:abstract|introduction|keywords|ccs concepts|summary|contents)\b", re.IGNORECASE
)


def authors_in(field: str) -> tuple[str, ...]:
    """The names in a metadata field: `A; B`, `A, B and C`."""
    separator = r"\s*;\s*" if ";" in field else r"\s*,\s*|\s+and\s+|\s*&\s*"
    names = [" ".join(_plain(name).split()) for name in re.split(separator, field)]
    names = [name for name in names if name]
    return tuple(names) if all(is_name(name) for name in names) else ()


def authors_below(page: RawPage, title: Sequence[Line]) -> tuple[str, ...]:
    """
    The names in the rows below the title that are set in the type of the first of them.

    Empty where they cannot be told from affiliations, or only some of them could be read.
    """
    names: list[str] = []
    size = 0.0
    ended = False
    for text, row_size in _rows_below(page, title):
        found = names_in(text)
        if not names:
            if not found:
                return ()
            size = row_size
        elif abs(row_size - size) > SAME_TYPE * size:
            continue
        elif not found:
            ended = True
            continue
        elif ended:
            return ()
        names.extend(found)
    raised_letters = sum(name[-1] in "abcdef" for name in names)
    return tuple(dict.fromkeys(names)) if raised_letters * 2 <= len(names) else ()


def _rows_below(page: RawPage, title: Sequence[Line]) -> Iterator[tuple[str, float]]:
    """What is printed below the title up to the abstract: each row's text and size, raised marks included."""
    text, row = "", None
    for line in page.lines[page.lines.index(title[-1]) + 1 :][:MOST_LINES]:
        content = line_text(page, line)
        if not line.upright or END.match(content):
            break
        if row is not None and _continues(row, line):
            text += " " + content
            row = row if row.end - row.start > line.end - line.start else line
            continue
        if row is not None:
            yield text, row.size
        text, row = content, line
    if row is not None:
        yield text, row.size


def _continues(row: Line, line: Line) -> bool:
    if row.box is None or line.box is None:
        return False
    overlap = min(row.box.top, line.box.top) - max(row.box.bottom, line.box.bottom)
    close = line.box.left - row.box.right < 2 * row.size
    return overlap > 0.3 * min(row.box.height, line.box.height) and close and line.box.left > row.box.left


def names_in(text: str) -> tuple[str, ...]:
    """The names of a line that consists of names alone, else nothing."""
    if NO_PERSON.search(text) or len(text) > 250:
        return ()
    parts = [part.strip(" .:‐-") for part in MARKERS.split(_plain(text))]
    parts = [part for part in parts if part]
    return tuple(parts) if parts and all(is_name(part) for part in parts) else ()


def is_name(text: str) -> bool:
    """`Ada Lovelace`, `J. P. de la Cruz`: two to four words, or more with initials and particles."""
    if len(text) > LONGEST_NAME or not NAME.fullmatch(text) or NO_PERSON.search(text):
        return False
    words = text.replace(".", ". ").split()
    full = [word for word in words if len(word.strip(".")) > 1 and word[0].isupper()]
    return (
        2 <= len(words) <= 6
        and 1 <= len(full) <= 3
        and not all(word.isupper() and len(word) > 3 for word in words)
    )


def _plain(text: str) -> str:
    return "".join(character for character, _ in clean(text))
