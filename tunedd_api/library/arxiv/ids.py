"""What people write when they mean a paper of arXiv → its id."""

import re

from tunedd_api.library.arxiv.model import ArxivId, NotAnArxivId

LONGEST = 200
"""Characters of a reference."""
LINK = re.compile(
    r"(?:https?://)?(?:(?:www|export)\.)?arxiv\.org/(?:abs|pdf|html)/(?P<id>[^?#]+?)(?:\.pdf)?/?(?:[?#].*)?",
    re.IGNORECASE,
)
ID = re.compile(
    # Since April 2007 year, month and number; before that archive, year, month and number. A subject class
    # (math.GT/0309136) is part of neither name nor address: https://info.arxiv.org/help/arxiv_identifier.html
    r"(?:(?P<new>[0-9]{2}(?:0[1-9]|1[0-2])\.[0-9]{4,5})"
    r"|(?P<archive>[a-z]{1,8}(?:-[a-z]{2,4})?)(?:\.[A-Za-z-]{2,20})?"
    r"/(?P<number>[0-9]{2}(?:0[1-9]|1[0-2])[0-9]{3}))"
    r"(?:v(?P<version>[1-9][0-9]{0,2}))?"
)
PREFIX = re.compile(r"arxiv:\s?", re.IGNORECASE)


def parse(reference: str) -> ArxivId:
    """The id in `2402.03578v1`, `arXiv:2402.03578` or a link to arXiv. Raises NotAnArxivId."""
    text = reference.strip()
    if len(text) > LONGEST or not (text.isascii() and text.isprintable()):
        raise NotAnArxivId
    if link := LINK.fullmatch(text):
        text = link["id"]
    else:
        text = PREFIX.sub("", text, count=1) if PREFIX.match(text) else text
    match = ID.fullmatch(text)
    if match is None:
        raise NotAnArxivId
    version = int(match["version"]) if match["version"] else None
    return ArxivId(id=match["new"] or f"{match['archive']}/{match['number']}", version=version)
