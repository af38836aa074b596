"""The least that a service must do for a question: embed it and ask the store, one after another."""

import time
from collections.abc import Sequence
from pathlib import Path

from tunedd_api.backends.onnx_embedder import MiniLM
from tunedd_api.backends.sqlite.store import SQLiteDocumentStore
from tunedd_api.library.retrieval import CANDIDATES


def bare_searches(passages: Path, model: MiniLM, asked: Sequence[str]) -> list[float]:
    """Seconds that each question takes, asked of a file of passages one after another."""
    store = SQLiteDocumentStore(passages, dimension=model.dimension)
    times = []
    try:
        _search(store, model, asked[0])
        for question in asked:
            started = time.monotonic()
            _search(store, model, question)
            times.append(time.monotonic() - started)
    finally:
        store.close()
    return times


def _search(store: SQLiteDocumentStore, model: MiniLM, question: str) -> None:
    store.embedding_retrieval(model.embed([question])[0].tolist(), top_k=CANDIDATES)
    store.bm25_retrieval(question, top_k=CANDIDATES)
