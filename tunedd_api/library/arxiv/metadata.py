"""
What arXiv's API says of one paper, out of the Atom feed that it answers with.

The feed is read as if a stranger wrote it. It is described at https://info.arxiv.org/help/api/user-manual.html,
and answers 200 to everything: an unknown paper is a feed without entries, a mistake an entry titled "Error".
"""

import re
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from tunedd_api.library.arxiv.ids import parse
from tunedd_api.library.arxiv.model import ArxivId, NotAnArxivId, PaperNotFound, PaperUnavailable
from tunedd_api.library.model import Description

ATOM = "{http://www.w3.org/2005/Atom}"
ARXIV = "{http://arxiv.org/schemas/atom}"
ADDRESS = re.compile(r"https?://arxiv\.org/abs/(\S{1,80})")
UNKNOWN_ID = "api/errors#incorrect_id_format"
CATEGORY = re.compile(r"[a-z]{2,8}(?:-[a-z]{2,4})?(?:\.[A-Za-z-]{2,20})?")
"""Of arXiv; the feed also holds those of others, such as 68T50 and I.2.7."""
MOST_ELEMENTS = 50_000
"""The longest lists of authors have some three thousand names."""
LONGEST_TITLE = 1000
LONGEST_NAME = 300


class BadFeed(PaperUnavailable):
    """arXiv's answer is no description of a paper. Try again later."""


def read_feed(feed: bytes, asked: ArxivId) -> Description:
    """Raises PaperNotFound, or BadFeed if it makes no sense."""
    for entry in _parsed(feed).findall(f"{ATOM}entry"):
        address = (entry.findtext(f"{ATOM}id") or "").strip()
        if UNKNOWN_ID in address:
            break
        if "api/errors" in address:
            raise BadFeed("arXiv answers with an error. Try again later.")
        if (id := _id(address)) and asked in (id, id.at(None)):
            return _description(entry, id)
    raise PaperNotFound(f"arXiv has no paper {asked}.")


class _Bounded(ElementTree.TreeBuilder):
    """Refuses what no description of a paper has: entities of its own, and elements without end."""

    def __init__(self) -> None:
        super().__init__()
        self._elements = 0

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise BadFeed

    def start(self, tag: str, attributes: dict[str, str], /) -> Element:
        self._elements += 1
        if self._elements > MOST_ELEMENTS:
            raise BadFeed
        return super().start(tag, attributes)


def _parsed(feed: bytes) -> Element:
    try:
        return ElementTree.fromstring(feed, ElementTree.XMLParser(target=_Bounded()))
    # The second and third come with encodings that are none.
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise BadFeed from error


def _id(address: str) -> ArxivId | None:
    match = ADDRESS.fullmatch(address)
    try:
        id = parse(match[1]) if match else None
    except NotAnArxivId:
        return None
    return id if id and id.version else None


def _description(entry: Element, id: ArxivId) -> Description:
    names = (_text(author, "name", LONGEST_NAME) for author in entry.findall(f"{ATOM}author"))
    # Of the first version.
    year = re.match(r"\s*((?:19|20)[0-9]{2})-", entry.findtext(f"{ATOM}published") or "")
    return Description(
        arxiv_id=str(id),
        title=_text(entry, "title", LONGEST_TITLE) or f"arXiv:{id}",
        authors=tuple(name for name in names if name),
        year=int(year[1]) if year else None,
        categories=_categories(entry),
    )


def _categories(entry: Element) -> tuple[str, ...]:
    found = [*entry.findall(f"{ARXIV}primary_category"), *entry.findall(f"{ATOM}category")]
    terms = (element.get("term", "") for element in found)
    return tuple(dict.fromkeys(term for term in terms if CATEGORY.fullmatch(term)))


def _text(element: Element, name: str, longest: int) -> str:
    """On one line and printable: arXiv wraps its titles, and a stranger may have written anything."""
    found = element.findtext(ATOM + name) or ""
    if len(found) > 2 * longest:
        raise BadFeed
    return " ".join("".join(letter if letter.isprintable() else " " for letter in found).split())[:longest]
