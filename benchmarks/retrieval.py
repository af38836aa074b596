"""
How well passages are found: by meaning alone, by words alone, and fused.

Indexes the PDFs of the given folders, one folder after the other, in a temporary file with the service's own
parts, and asks the questions. Counted is how often a gold page (where a question names pages) or a gold paper
is among the first five passages; `all pages` wants every gold page of a question.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from haystack import Document as HaystackDocument
from haystack import component
from haystack.core.component import Component

from tunedd_api.backends.onnx_embedder import MiniLM, OnnxDocumentEmbedder, OnnxTextEmbedder
from tunedd_api.backends.sqlite.rankings import SQLiteBM25Ranking, SQLiteEmbeddingRanking
from tunedd_api.backends.sqlite.store import SQLiteDocumentStore
from tunedd_api.backends.stores import Store
from tunedd_api.errors import Unreadable
from tunedd_api.library.cutting.passages import cut
from tunedd_api.library.indexing import Indexing
from tunedd_api.library.model import Found
from tunedd_api.library.reading.reader import Reader, ReadingLimits
from tunedd_api.library.retrieval import Retrieval

FIRST = 5


@component
class Nothing:
    """In the place of a retriever that is left out."""

    @component.output_types(documents=list[HaystackDocument])
    def run(
        self,
        query: str = "",
        query_embedding: list[float] | None = None,
        filters: dict[str, Any] | None = None,
        top_k: int = 0,
    ) -> dict[str, list[HaystackDocument]]:
        return {"documents": []}


@dataclass(frozen=True, kw_only=True)
class Rates:
    questions: int
    page: float | None
    """None where the questions name papers only."""
    all_pages: float | None
    paper: float
    milliseconds: float
    """Median time of a search."""
    words: float
    """Mean length of the passages of an answer together."""
    missed: list[str]


def main() -> None:
    arguments = _arguments()
    questions = [
        question
        for file in arguments.questions
        for question in map(json.loads, file.read_text("utf-8").splitlines())
        if question["answerable"]
    ]
    libraries = [sorted(folder.glob("*.pdf")) for folder in arguments.papers]
    asyncio.run(_compare(libraries, questions, MiniLM(arguments.model)))


async def _compare(
    libraries: Sequence[Sequence[Path]], questions: Sequence[Mapping[str, Any]], model: MiniLM
) -> None:
    with TemporaryDirectory() as home:
        store = SQLiteDocumentStore(f"{home}/passages.db", dimension=model.dimension)
        present: set[str] = set()
        for files in libraries:
            await index_papers(files, store, model)
            present |= {file.name for file in files}
            asked = [question for question in questions if present.issuperset(question["papers"])]
            await _report(f"{store.count_documents()} passages", store, model, asked)
        store.close()


async def index_papers(files: Sequence[Path], store: Store, model: MiniLM) -> None:
    reader, indexing = Reader(ReadingLimits()), Indexing(OnnxDocumentEmbedder(model), store)
    started, count = time.monotonic(), 0
    for file in files:
        try:
            reading = await reader.read(file)
        except Unreadable as error:
            say(f"{file.name}: {error.message}")
            continue
        title = reading.title or file.stem
        passages = cut(reading.pages, model, title=title)
        count += await indexing.index(file.name, title, passages, stamp="benchmark")
    await reader.close()
    seconds = time.monotonic() - started
    say(f"{len(files)} papers: {count} passages in {seconds:.0f} s ({count / seconds:.0f} passages/s)")


async def _report(
    label: str, store: SQLiteDocumentStore, model: MiniLM, questions: Sequence[Mapping[str, Any]]
) -> None:
    manners: dict[str, tuple[Component, Component]] = {
        "dense": (SQLiteEmbeddingRanking(store), Nothing()),
        "BM25": (Nothing(), SQLiteBM25Ranking(store)),
        "fused": (SQLiteEmbeddingRanking(store), SQLiteBM25Ranking(store)),
    }
    say(f"\n{label:18} questions   page@5  all pages   paper@5   median ms   words")
    for name, (by_meaning, by_words) in manners.items():
        retrieval = Retrieval(embedder=OnnxTextEmbedder(model), dense=by_meaning, lexical=by_words)
        with_pages = [one for one in questions if one["pages"]]
        for kind, asked in (
            ("pages", with_pages),
            ("papers", [one for one in questions if one not in with_pages]),
        ):
            if asked:
                rates = await rates_of(retrieval, asked)
                say(
                    f"{name:10} {kind:7} {rates.questions:9}"
                    f"  {share(rates.page)}  {share(rates.all_pages):>9}  {rates.paper:8.3f}"
                    f"  {rates.milliseconds:10.1f}  {rates.words:6.0f}"
                    f"   missed: {' '.join(rates.missed)}"
                )


async def rates_of(retrieval: Retrieval, questions: Sequence[Mapping[str, Any]]) -> Rates:
    await retrieval.warm_up()
    pages = whole = papers = words = 0
    missed, times = [], []
    for question in questions:
        history = [said["content"] for said in question.get("history") or []]
        started = time.monotonic()
        found = await retrieval.search(question["question"], history=history, limit=FIRST)
        times.append(time.monotonic() - started)
        some, every, paper = _judge(question, found)
        pages, whole, papers = pages + some, whole + every, papers + paper
        words += sum(len(one.text.split()) for one in found)
        if not (some if question["pages"] else paper):
            missed.append(question["id"])
    number = len(questions)
    return Rates(
        questions=number,
        page=pages / number if questions[0]["pages"] else None,
        all_pages=whole / number if questions[0]["pages"] else None,
        paper=papers / number,
        milliseconds=1000 * sorted(times)[number // 2],
        words=words / number,
        missed=missed,
    )


def share(value: float | None) -> str:
    return f"{value:7.3f}" if value is not None else "      –"


def _judge(question: Mapping[str, Any], found: Sequence[Found]) -> tuple[bool, bool, bool]:
    """Whether a gold page, all gold pages, and a gold paper are among the passages."""
    seen = {(one.document_id, one.page) for one in found}
    gold = {(file, page) for file, page in question["pages"]}
    others = {(file, page) for file, page in question.get("alt_pages") or []}
    paper = bool({one.document_id for one in found} & set(question["papers"]))
    return bool(seen & (gold | others)), bool(gold <= seen or (len(gold) == 1 and seen & others)), paper


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--papers", type=Path, nargs="+", required=True, help="folders, indexed one after another"
    )
    parser.add_argument("--questions", type=Path, nargs="+", required=True, help="JSON lines")
    parser.add_argument("--model", type=Path, required=True, help="folder of the embedding model")
    return parser.parse_args()


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
