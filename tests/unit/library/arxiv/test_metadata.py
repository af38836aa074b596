"""Reading what arXiv's API says of a paper."""

import pytest

from tests.arxiv import entry, feed
from tunedd_api.library.arxiv.ids import parse
from tunedd_api.library.arxiv.metadata import BadFeed, read_feed
from tunedd_api.library.arxiv.model import PaperNotFound
from tunedd_api.library.model import Description

ID = "2402.03578v1"
ERROR = """<entry>
    <id>https://arxiv.org/api/errors#{what}</id><title>Error</title><summary>{what}</summary>
    <author><name>arXiv api core</name></author></entry>"""
BOMB = b"""<?xml version="1.0"?><!DOCTYPE feed [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;">]>
<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>&b;</id></entry></feed>"""


def test_a_paper_is_described() -> None:
    assert read_feed(feed(entry(ID)), parse(ID)) == Description(
        arxiv_id=ID,
        title="LLM Multi-Agent Systems: Challenges and Open Problems",
        authors=("Shanshan Han", "Qifan Zhang"),
        year=2024,
        categories=("cs.MA", "cs.AI"),
    )


@pytest.mark.parametrize("id", ["2402.03578v2", "2402.03578v12", "math/0309136v2"])
def test_without_a_version_the_newest_is_told(id: str) -> None:
    asked = parse(id).at(None)
    assert read_feed(feed(entry(id)), asked).arxiv_id == id
    secure = feed(entry(id)).replace(b"http://arxiv.org/abs", b"https://arxiv.org/abs")
    assert read_feed(secure, asked).arxiv_id == id


def test_a_paper_without_a_version_is_no_answer() -> None:
    with pytest.raises(PaperNotFound):
        read_feed(feed(entry("2402.03578")), parse("2402.03578"))


@pytest.mark.parametrize(
    "answer",
    [
        feed(),
        feed(ERROR.format(what="incorrect_id_format_for_2402.03578v1")),
        feed(entry("2402.03579v1")),
        feed(entry("2402.03578v2")),
        feed(entry("2402.03578")),
        feed(entry("../2402.03578v1")),
        feed("<entry><title>Nothing else</title></entry>"),
        b'<feed xmlns="http://www.w3.org/2005/Atom"/>',
    ],
)
def test_what_arxiv_does_not_have_is_not_found(answer: bytes) -> None:
    with pytest.raises(PaperNotFound, match="2402.03578v1"):
        read_feed(answer, parse(ID))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"Rate exceeded.",
        b"<html><body>Please try later<br></body></html>",
        feed(entry(ID))[:-20],
        feed(ERROR.format(what="something_else")),
        BOMB,
        BOMB.decode().encode("utf-16"),
        feed(entry(ID)).replace(b"?>", b'?><!DOCTYPE x SYSTEM "file:///etc/passwd">', 1),
        b'<?xml version="1.0" encoding="none-such"?><feed/>',
        b'<?xml version="1.0" encoding="utf-7"?><feed/>',
        b"<feed>" + b"<a/>" * 60_000 + b"</feed>",
        b"<a>" * 60_000,
        feed(entry(ID, title="A" * 1_000_000)),
        feed(entry(ID, authors=["A" * 10_000])),
    ],
)
def test_an_answer_that_makes_no_sense_is_refused(answer: bytes) -> None:
    with pytest.raises(BadFeed):
        read_feed(answer, parse(ID))


def test_text_is_printable_and_on_one_line() -> None:
    title = " A\u202e title\u0085\n with\u200b <b>&</b> $\\alpha$ "
    told = read_feed(feed(entry(ID, title=title, authors=["Ana\tB", "\n"])), parse(ID))
    assert told.title == "A title with <b>&</b> $\\alpha$"
    assert told.authors == ("Ana B",)


def test_what_is_missing_is_missing() -> None:
    told = read_feed(feed(entry(ID, title="", authors=[], published="soon", categories=[])), parse(ID))
    expected = Description(arxiv_id=ID, title=f"arXiv:{ID}", authors=(), year=None, categories=())
    assert told == expected


def test_three_thousand_authors_are_kept() -> None:
    authors = [f"Author {number}" for number in range(3000)]
    assert len(read_feed(feed(entry(ID, authors=authors)), parse(ID)).authors) == 3000
