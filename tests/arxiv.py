"""A local stand-in for arXiv: its API and its PDFs."""

from collections.abc import Sequence
from html import escape

from tests.file_server import Answer, FileServer
from tests.pdfs import pdf_bytes

FEED = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
  <link href="http://arxiv.org/api/query?id_list%3D" rel="self" type="application/atom+xml"/>
  <title type="html">ArXiv Query: search_query=&amp;id_list=</title>
  <id>http://arxiv.org/api/cHxbiOdZaP56ODnBPIenZhzg5f8</id>
  <opensearch:totalResults xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">1</opensearch:totalResults>
  {entries}
</feed>"""


def feed(*entries: str) -> bytes:
    return FEED.format(entries="".join(entries)).encode()


def entry(
    id: str,
    *,
    title: str = "LLM Multi-Agent Systems:\n  Challenges and Open Problems",
    authors: Sequence[str] = ("Shanshan Han", "Qifan Zhang"),
    published: str = "2024-02-05T23:06:42Z",
    categories: Sequence[str] = ("cs.MA", "cs.AI", "68T42", "I.2.11"),
) -> str:
    """As the API writes it; title and names are escaped here."""
    names = "".join(f"<author><name>{escape(name)}</name></author>" for name in authors)
    terms = "".join(
        f'<category term="{term}" scheme="http://arxiv.org/schemas/atom"/>' for term in sorted(categories)
    )
    return f"""<entry>
    <id>http://arxiv.org/abs/{id}</id>
    <updated>2024-05-21T06:34:34Z</updated>
    <published>{published}</published>
    <title>{escape(title)}</title>
    <summary>This paper explores multi-agent systems.</summary>
    {names}
    <arxiv:comment xmlns:arxiv="http://arxiv.org/schemas/atom">12 pages</arxiv:comment>
    <link href="http://arxiv.org/abs/{id}" rel="alternate" type="text/html"/>
    <link title="pdf" href="http://arxiv.org/pdf/{id}" rel="related" type="application/pdf"/>
    <arxiv:primary_category xmlns:arxiv="http://arxiv.org/schemas/atom" term="{next(iter(categories), "")}"/>
    {terms}
  </entry>"""


def query(id: str) -> str:
    """Where the API is asked for a paper."""
    return f"/api/query?id_list={id}&max_results=1"


def publish(server: FileServer, id: str, *, pdf: bytes | None = None, newest_of: str = "") -> None:
    """The server has this version of a paper; with `newest_of` it is the newest one of that id."""
    answer = Answer(body=feed(entry(id)))
    server.put(query(id), answer)
    if newest_of:
        server.put(query(newest_of), answer)
    server.put(f"/pdf/{id}", Answer(body=pdf or paper(id)))


def paper(id: str) -> bytes:
    """A PDF that no other id has."""
    lines = [
        (18, "A Paper That Says Another Title"),
        *[(10, f"It is the paper {id} and explains how agents talk.")] * 4,
    ]
    shown = (
        f"BT /F1 {size} Tf 1 0 0 1 72 {700 - 40 * row} Tm ({text}) Tj ET"
        for row, (size, text) in enumerate(lines)
    )
    return pdf_bytes(["\n".join(shown).encode()])


class Watch:
    """Time that passes by sleeping only."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
