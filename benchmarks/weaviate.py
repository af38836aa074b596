"""
How fast passages are written to Weaviate, how well they are found there, and how quickly.

Indexes the PDFs of the given folders, one folder after the other, under a name of its own on the server, and
asks the questions as benchmarks/retrieval.py does. A search as the service makes it stands beside the bare
client's hybrid call for the same question, both embedded before: what is between them is ours. All is deleted
at the end.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from haystack import component
from haystack.document_stores.types import DuplicatePolicy
from numpy.typing import NDArray
from weaviate.classes.query import MetadataQuery

from benchmarks.retrieval import index_papers, rates_of, say, share
from tunedd_api.backends.onnx_embedder import MiniLM, OnnxTextEmbedder
from tunedd_api.backends.passages import discard_other_passages, open_passages
from tunedd_api.backends.stores import PassageStore
from tunedd_api.backends.weaviate.address import parse
from tunedd_api.backends.weaviate.client import connected
from tunedd_api.library.retrieval import FEWEST, Retrieval

WRITTEN_TO = "index-00000000"
"""Where all is written once more, for speed alone."""
ROUNDS = 3
Question = Mapping[str, Any]
Vector = NDArray[np.float32]


@component
class Known:
    """In the place of the embedder: a text's vector, made before, as an array, which is copied fast."""

    def __init__(self, vectors: Mapping[str, Vector]) -> None:
        self._vectors = vectors

    @component.output_types(embedding=list[float])
    def run(self, text: str) -> dict[str, Vector]:
        return {"embedding": self._vectors[text]}

    @component.output_types(embedding=list[float])
    async def run_async(self, text: str) -> dict[str, Vector]:
        return self.run(text)


def main() -> None:
    arguments = _arguments()
    url = f"{arguments.url}{'&' if '?' in arguments.url else '?'}collection=Benchmark"
    lines = [line for file in arguments.questions for line in file.read_text("utf-8").splitlines()]
    questions = [question for question in map(json.loads, lines) if question["answerable"]]
    libraries = [sorted(folder.glob("*.pdf")) for folder in arguments.papers]
    asyncio.run(_measure(url, libraries, questions, MiniLM(arguments.model)))


async def _measure(
    url: str, libraries: Sequence[Sequence[Path]], questions: Sequence[Question], model: MiniLM
) -> None:
    home, present = Path(), set[str]()
    try:
        for number, files in enumerate(libraries, 1):
            async with open_passages(url, home, dimension=model.dimension) as passages:
                await index_papers(files, passages.store, model)
                present |= {file.name for file in files}
                asked = [one for one in questions if present.issuperset(one["papers"])]
                say(f"\n{number}. {await passages.store.count_documents_async()} passages")
                await _recall(passages, model, asked)
            async with open_passages(url, home, dimension=model.dimension) as passages:
                await _speed(url, passages, model, asked)
        await _writing(url, home, model.dimension)
    finally:
        await discard_other_passages(url, home, [])


async def _recall(passages: PassageStore, model: MiniLM, questions: Sequence[Question]) -> None:
    retrieval = Retrieval(embedder=OnnxTextEmbedder(model), **passages.searches)
    with_pages = [one for one in questions if one["pages"]]
    for kind, asked in (("pages", with_pages), ("papers", [one for one in questions if not one["pages"]])):
        if asked:
            rates = await rates_of(retrieval, asked)
            say(
                f"{kind:7} {rates.questions:3}  page@5 {share(rates.page)}  all {share(rates.all_pages)}"
                f"  paper@5 {rates.paper:.3f}  embedded and found in {rates.milliseconds:.1f} ms (median)"
                f"  missed: {' '.join(rates.missed)}"
            )


async def _speed(url: str, passages: PassageStore, model: MiniLM, questions: Sequence[Question]) -> None:
    texts = [str(one["question"]) for one in questions]
    vectors = dict(zip(texts, model.embed(texts), strict=True))
    lists = {text: vector.tolist() for text, vector in vectors.items()}
    retrieval = Retrieval(embedder=Known(vectors), **passages.searches)
    address = parse(url)
    async with connected(address, None) as client:
        bare = client.collections.use(address.collection("")).query

        async def by_client(text: str) -> None:
            await bare.hybrid(
                text,
                vector=lists[text],
                alpha=0.5,
                query_properties=["title", "content"],
                limit=FEWEST,
                return_metadata=MetadataQuery(score=True),
            )

        async def by_service(text: str) -> None:
            await retrieval.search(text)

        ours, theirs = await _medians(texts, by_service, by_client)
    say(f"search {ours:.1f} ms, bare client {theirs:.1f} ms, between them {ours - theirs:.1f} ms (medians)")


async def _medians(texts: Sequence[str], *searches: Callable[[str], Awaitable[None]]) -> list[float]:
    """Milliseconds; in turns, so that a busy moment of the machine is shared."""
    times: list[list[float]] = [[] for _ in searches]
    for _ in range(ROUNDS):
        for text in texts:
            for search, spent in zip(searches, times, strict=True):
                started = time.perf_counter()
                await search(text)
                spent.append(1000 * (time.perf_counter() - started))
    return [statistics.median(spent) for spent in times]


async def _writing(url: str, home: Path, dimension: int) -> None:
    async with (
        open_passages(url, home, dimension=dimension) as source,
        open_passages(url, home, dimension=dimension, place=WRITTEN_TO) as target,
    ):
        written = await source.store.filter_documents_async()
        started = time.perf_counter()
        await target.store.write_documents_async(written, DuplicatePolicy.OVERWRITE)
        seconds = time.perf_counter() - started
        say(f"\n{len(written)} passages written in {seconds:.1f} s: {len(written) / seconds:.0f} a second")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="weaviate://HOST:PORT?grpc=PORT")
    parser.add_argument("--papers", type=Path, nargs="+", required=True, help="folders, one after another")
    parser.add_argument("--questions", type=Path, nargs="+", required=True, help="JSON lines")
    parser.add_argument("--model", type=Path, required=True, help="folder of the embedding model")
    return parser.parse_args()


if __name__ == "__main__":
    main()
