"""Where passages are kept and found, by URL: a document store with its two retrievers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tunedd_api.backends.sqlite.retrievers import SQLiteBM25Retriever, SQLiteEmbeddingRetriever
from tunedd_api.backends.sqlite.store import SQLiteDocumentStore
from tunedd_api.errors import SetupError


class UnknownPassages(SetupError):
    """TUNEDD_PASSAGES_URL must be sqlite:FILE or memory:."""


@dataclass(frozen=True, kw_only=True)
class PassageStore:
    """A Haystack document store, and how it is searched."""

    store: SQLiteDocumentStore
    dense: SQLiteEmbeddingRetriever
    lexical: SQLiteBM25Retriever


@contextmanager
def open_passages(url: str, home: Path, *, dimension: int) -> Iterator[PassageStore]:
    """
    Opens `sqlite:FILE` (relative to home) or `memory:` for vectors of one dimension.

    Raises DimensionMismatch, DamagedFile, OtherVersion, StoreUnavailable.
    """
    scheme, _, name = url.partition(":")
    match scheme:
        case "memory":
            store = SQLiteDocumentStore(":memory:", dimension=dimension)
        case "sqlite" if name:
            store = SQLiteDocumentStore(home / name, dimension=dimension)
        case _:
            raise UnknownPassages
    try:
        store.verify()
        yield PassageStore(
            store=store, dense=SQLiteEmbeddingRetriever(store), lexical=SQLiteBM25Retriever(store)
        )
    finally:
        store.close()
