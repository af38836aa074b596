"""Recognises the headings of a paper by their wording and numbers."""

import re

LONGEST = 90
"""Characters; a heading is no sentence."""
NAMED = re.compile(
    r"(?:abstract|summary|keywords|introduction|background|related works?|preliminaries|methods?|methodology"
    r"|materials and methods|experiments?|experimental setup|evaluation|results?|results and discussion"
    r"|discussion|limitations?|conclusions?|conclusions? and future works?|future works?|acknowledge?ments?"
    r"|references|bibliography|literature cited|appendix|appendices|supplementary materials?|ethics statement"
    r"|broader impacts?|ccs concepts|acm reference format|authors? profiles?)\s*[.:]?",
    re.IGNORECASE,
)
DECIMAL = re.compile(r"(?:[1-9]\d?|[A-Z])(?:\.\d{1,2}){0,3}\.?\s+(?P<name>\S.*)")
ROMAN = re.compile(r"(?=[IVX])(?:X{0,2}(?:IX|IV|V?I{0,3}))[.)]\s+(?P<name>\S.*)")
LETTER = re.compile(r"(?:[A-Z]\.|[1-9]\d?\)|[a-z]\))\s+(?P<name>\S.*)")
RUN_IN = re.compile(
    r"(?P<heading>Abstract|Keywords|Acknowledge?ments?|Index Terms)\s*[—–:.-]\s*\S"
    r"|(?P<numbered>[1-9]\d?(?:\.\d{1,2}){1,3}\.?\s+[A-Z][^.:?!]{2,70})[.:]\s+[A-Z(“\"]"
)
"""A heading with its text on the same line: `Abstract—We show …`, `1.1.5 Sub-Agents. Agents could …`."""
APPENDIX = re.compile(r"Appendix\s+[A-Z\d](?:\.\d+)*[.:]?(?:\s+(?P<name>\S.*))?", re.IGNORECASE)
SMALL = re.compile(
    r"an?|and|as|at|by|for|from|in|into|is|its|of|on|or|the|to|under|via|versus|vs|with|without|do|does|be|are"
)
REFERENCES_SECTION = "References"
REFERENCES = re.compile(
    r"(?:[\dIVX]+[.)]?\s+)?(?:references|bibliography|literature cited)\s*[.:]?", re.IGNORECASE
)


def is_heading(text: str) -> bool:
    """Conservative: what is not clearly a heading is text."""
    text = " ".join(text.split())
    if len(text) > LONGEST:
        return False
    if NAMED.fullmatch(text):
        return text[:1].isupper()
    if text.startswith(("A ", "I ")) and len(text.split()) > 5:
        # More likely the first words of a title or a sentence than an appendix.
        return False
    if match := ROMAN.fullmatch(text) or LETTER.fullmatch(text) or DECIMAL.fullmatch(text):
        return _is_name(match["name"])
    if match := APPENDIX.fullmatch(text):
        return match["name"] is None or _is_name(match["name"])
    return False


def heading_of(paragraph: str) -> str | None:
    """The heading that a paragraph is, or begins with."""
    first = paragraph.split("\n", 1)[0]
    if is_heading(first):
        return " ".join(first.split())
    if match := RUN_IN.match(paragraph):
        return " ".join((match["heading"] or match["numbered"]).split())
    return None


def is_references(heading: str | None) -> bool:
    return heading is not None and REFERENCES.fullmatch(heading) is not None


def _is_name(name: str) -> bool:
    """Words of a heading: a capital at the start; no sentence, table row, formula or reference."""
    words = name.split()
    letters = sum(character.isalpha() for character in name)
    if not name[0].isalpha() or letters < max(3, 0.7 * len(name.replace(" ", ""))) or len(words) > 14:
        return False
    if name.endswith((".", ",", ";")) or re.search(r"[a-z]\.\s|[=<>|@]|\bet al\b|\d{4}", name):
        return False
    # Headings are either in Title Case or short: `Data preprocessing`, not a list item that goes on.
    titled = [word for word in words if not SMALL.fullmatch(word) and word[0].isalpha()]
    capital = sum(word[0].isupper() for word in titled)
    return name[0].isupper() and (capital * 2 >= len(titled) or len(words) <= 6)


def next_section(paragraph: str, current: str | None) -> str | None:
    """The heading that a paragraph opens a section with, or None. References are always `References`."""
    heading = heading_of(paragraph)
    if heading is None:
        return None
    if is_references(heading):
        return REFERENCES_SECTION
    if current == REFERENCES_SECTION and not _ends_references(paragraph, heading):
        return None
    return heading


def _ends_references(paragraph: str, heading: str) -> bool:
    """A list of references is full of lines that look like headings: `A. Author`, `12. A Paper`."""
    alone = " ".join(paragraph.split()) == heading
    an_entry = heading[0].isdigit() or "," in heading or LETTER.match(heading) is not None
    return alone and not an_entry and len(heading.split()) <= 8
