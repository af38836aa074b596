"""
Retrieval quality on SciFact in BEIR form, comparable with published figures: nDCG@10 over the test queries.

Each abstract is one passage with its title in front, as BEIR has it; embedder, store and fusion are the
service's own. https://arxiv.org/abs/2104.08663 (BEIR), https://arxiv.org/abs/2004.14974 (SciFact).
"""

import argparse
import asyncio
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any

from haystack import Document as HaystackDocument

from tunedd_api.backends.onnx_embedder import MiniLM, OnnxDocumentEmbedder, OnnxTextEmbedder
from tunedd_api.backends.sqlite.rankings import SQLiteBM25Ranking, SQLiteEmbeddingRanking
from tunedd_api.backends.sqlite.store import SQLiteDocumentStore
from tunedd_api.library.retrieval import Retrieval

FIRST = 10
BATCH = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="corpus.jsonl, queries.jsonl, qrels-test.tsv")
    parser.add_argument("--model", type=Path, required=True, help="folder of the embedding model")
    arguments = parser.parse_args()
    with TemporaryDirectory() as home:
        rates = asyncio.run(_compare(arguments.folder, MiniLM(arguments.model), Path(home)))
    for name, rate in rates.items():
        sys.stdout.write(f"{name:8} nDCG@{FIRST} {rate:.4f}\n")


async def _compare(folder: Path, model: MiniLM, home: Path) -> dict[str, float]:
    store = SQLiteDocumentStore(home / "scifact.db", dimension=model.dimension)
    _index(_lines(folder / "corpus.jsonl"), model, store)
    retrieval = Retrieval(
        embedder=OnnxTextEmbedder(model),
        dense=SQLiteEmbeddingRanking(store),
        lexical=SQLiteBM25Ranking(store),
    )
    texts = {query["_id"]: query["text"] for query in _lines(folder / "queries.jsonl")}
    found: dict[str, list[float]] = {"dense": [], "BM25": [], "fused": []}
    for query, relevant in _judgements(folder / "qrels-test.tsv").items():
        text = texts[query]
        vector = model.embed([text])[0].tolist()
        hits = await retrieval.search(text, limit=FIRST)
        rankings = {
            "dense": [one.id for one in store.embedding_retrieval(vector, top_k=FIRST)],
            "BM25": [one.id for one in store.bm25_retrieval(text, top_k=FIRST)],
            "fused": [hit.document_id for hit in hits],
        }
        for name, ranking in rankings.items():
            found[name].append(ndcg(ranking, relevant))
    store.close()
    return {name: mean(rates) for name, rates in found.items()}


def ndcg(ranking: Sequence[str], relevant: Mapping[str, int]) -> float:
    """Normalised discounted cumulative gain of the first ten (Järvelin and Kekäläinen, 2002)."""
    gained = sum(relevant.get(one, 0) / math.log2(place + 2) for place, one in enumerate(ranking[:FIRST]))
    best = sorted(relevant.values(), reverse=True)[:FIRST]
    return gained / sum(grade / math.log2(place + 2) for place, grade in enumerate(best))


def _index(corpus: Sequence[Mapping[str, Any]], model: MiniLM, store: SQLiteDocumentStore) -> None:
    embedder = OnnxDocumentEmbedder(model)
    for start in range(0, len(corpus), BATCH):
        passages = [
            HaystackDocument(
                id=one["_id"],
                content=one["text"],
                meta={"document_id": one["_id"], "title": one["title"], "page": 1, "start": 0},
            )
            for one in corpus[start : start + BATCH]
        ]
        store.write_documents(embedder.run(passages)["documents"])


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def _judgements(file: Path) -> dict[str, dict[str, int]]:
    judgements: dict[str, dict[str, int]] = {}
    for line in file.read_text("utf-8").splitlines()[1:]:
        query, passage, grade = line.split("\t")
        if int(grade) > 0:
            judgements.setdefault(query, {})[passage] = int(grade)
    return judgements


if __name__ == "__main__":
    main()
