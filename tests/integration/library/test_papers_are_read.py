"""The five papers on AI agents, and a folder of difficult PDFs, through the whole of reading."""

import csv
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.embeddings import PieceCounter
from tunedd_api.errors import Unreadable
from tunedd_api.library.cutting.passages import cut
from tunedd_api.library.model import BrokenPdf, NoText, PasswordProtected, Reading
from tunedd_api.library.reading.reader import Reader, ReadingLimits

SHARED = Path(__file__).parents[3] / ".." / "shared"
PAPERS = SHARED / "papers"
AGENTS = PAPERS / "ai-agents"
DIFFICULT = SHARED / "robustness" / "pdfs"

needs_papers = pytest.mark.skipif(not AGENTS.is_dir(), reason="needs ../shared/papers/ai-agents")
needs_corpus = pytest.mark.skipif(not (PAPERS / "corpus").is_dir(), reason="needs ../shared/papers/corpus")
needs_difficult = pytest.mark.skipif(not DIFFICULT.is_dir(), reason="needs ../shared/robustness/pdfs")


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    reader = Reader(ReadingLimits(seconds=60))
    yield reader
    await reader.close()


def truth() -> dict[str, dict[str, Any]]:
    return {
        paper["file"]: paper for paper in json.loads((SHARED / "eval" / "agents-papers.json").read_text())
    }


def questions() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SHARED / "eval" / "agents-dev.jsonl").read_text().splitlines()]


async def read_all(reader: Reader, folder: Path) -> dict[str, Reading]:
    return {path.name: await reader.read(path) for path in pdfs(folder)}


def pdfs(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.pdf"))


def letters(text: str | None) -> str:
    """What quotes, hyphens and spaces leave."""
    return re.sub(r"[\W_]+", "", (text or "").casefold())


@needs_papers
async def test_front_matter_of_the_five_papers(reader: Reader) -> None:
    readings = await read_all(reader, AGENTS)
    for file, paper in truth().items():
        found = readings[file]
        assert found.title == paper["title"]
        assert list(found.authors) == paper["authors"]
        assert (found.year, found.arxiv_id) == (paper["year"], paper["arxiv_id"])
        assert len(found.pages) == paper["pages"]


@needs_papers
async def test_evidence_is_found_on_its_page(reader: Reader) -> None:
    readings = await read_all(reader, AGENTS)
    missing = []
    for question in questions():
        gold = [readings[file].pages[page - 1].text for file, page in question.get("pages", [])]
        missing += [
            (question["id"], sentence)
            for sentence in question.get("evidence", [])
            if not any(letters(sentence) in letters(text) for text in gold)
        ]
    assert missing == []


@needs_papers
async def test_headers_stamps_and_broken_words_are_gone(reader: Reader) -> None:
    readings = await read_all(reader, AGENTS)
    texts = [page.text for reading in readings.values() for page in reading.pages]
    assert not any(re.search(r"^arXiv:\d{4}\.\d{5}v\d \[", text, re.MULTILINE) for text in texts)
    assert not any("\x02" in text or "\ufffe" in text or "ﬁ" in text for text in texts)
    asadi = next(reading for file, reading in readings.items() if file.startswith("Asadi"))
    assert not any("International Journal of Computer Science" in page.text for page in asadi.pages[1:6])
    chan = next(reading for file, reading in readings.items() if file.startswith("Chan"))
    assert "achieve complex goals" not in chan.pages[0].text
    assert "capable of pursuing complex goals" in chan.pages[0].text


@needs_papers
async def test_passages_of_the_five_papers_know_their_sections(reader: Reader) -> None:
    readings = await read_all(reader, AGENTS)
    han = next(reading for file, reading in readings.items() if file.startswith("Han"))
    passages = cut(han.pages, PieceCounter(), title=han.title)
    sections = [passage.section for passage in passages]
    assert "3.1. Global Planning" in sections
    assert sections[-1] == "References"
    assert sum(section == "References" for section in sections) < len(sections) / 2


@needs_corpus
async def test_titles_of_the_corpus(reader: Reader) -> None:
    """The manifest's titles begin right; behind that they may break off, or run on into the authors."""
    with (PAPERS / "corpus" / "manifest.csv").open(newline="") as file:
        stated = {row["file"]: letters(row["title"]) for row in csv.DictReader(file)}
    readings = await read_all(reader, PAPERS / "corpus")
    titles = {file: letters(reading.title) for file, reading in readings.items()}
    other = [file for file, title in titles.items() if not title or title[:20] not in stated[file]]
    # What is stated of these two is a journal's template and a conference's masthead.
    assert other == ["2104.10876.pdf", "2512.00656.pdf"]


@needs_difficult
async def test_difficult_files_end_as_text_or_as_a_reason(reader: Reader) -> None:
    ends: dict[str, str] = {}
    for path in pdfs(DIFFICULT):
        try:
            reading = await reader.read(path)
        except Unreadable as error:
            ends[path.name] = type(error).__name__
        else:
            assert any(page.text for page in reading.pages)
            "".join(page.text for page in reading.pages).encode()
            ends[path.name] = "read"
    expected = {
        "image_only": {NoText.__name__},
        "text": {"read"},
        "slow_timeout": {"read"},
        "no_text": {NoText.__name__, BrokenPdf.__name__, "read"},
        "needs_password": {PasswordProtected.__name__, "read"},
    }
    for name, end in ends.items():
        kind = name.partition("__")[0]
        assert kind not in expected or end in expected[kind], name
