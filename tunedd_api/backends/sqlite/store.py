"""A Haystack document store in an SQLite file of its own: full-text search beside exact vector search."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import numpy as np
from haystack import Document as HaystackDocument
from haystack import default_from_dict, default_to_dict
from haystack.document_stores.types import DuplicatePolicy

from tunedd_api.backends.ranking import Ranking
from tunedd_api.backends.sqlite.file import IN_MEMORY, PassageFile
from tunedd_api.backends.sqlite.filters import Filters, compile_filters, selected_documents
from tunedd_api.backends.sqlite.rows import (
    COLUMNS,
    delete,
    delete_by_id,
    fetch,
    fetch_by_id,
    insert,
    note_rewrite,
    passage_of,
    to_json,
    without_duplicates,
)
from tunedd_api.backends.sqlite.vectors import VectorMatrix, Vectors, unit
from tunedd_api.backends.sqlite.words import matching
from tunedd_api.errors import SetupError

SEARCHES_AT_ONCE = 2
"""By words; each keeps a core busy, and a connection of its own."""

Result = TypeVar("Result")


class DimensionMismatch(SetupError):
    """The stored vectors come from another embedding model."""


class SQLiteDocumentStore:
    """Durable, safe for threads; any number of processes may read while one writes. `:memory:` works too."""

    def __init__(self, path: str | Path, *, dimension: int | None = None) -> None:
        """`dimension` of the vectors; unset, the file's own or that of the first vector written."""
        self._file = PassageFile(path)
        self._vectors = VectorMatrix()
        self._places = anyio.CapacityLimiter(SEARCHES_AT_ONCE)
        self._dimension = dimension

    def to_dict(self) -> dict[str, Any]:
        return default_to_dict(self, path=self._file.path, dimension=self._dimension)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "SQLiteDocumentStore":
        store: SQLiteDocumentStore = default_from_dict(cls, data)
        return store

    def close(self) -> None:
        self._file.close()

    def verify(self) -> None:
        """Raises DimensionMismatch, DamagedFile or OtherVersion now rather than with the first question."""
        with self._file.reading() as connection:
            if self._dimension is not None:
                self._check_dimension(connection, self._dimension)

    def count_documents(self) -> int:
        return self.count_documents_by_filter({})

    def count_documents_by_filter(self, filters: dict[str, Any]) -> int:
        where = compile_filters(filters)
        with self._file.reading() as connection:
            sql = f"SELECT count(*) FROM passages WHERE {where.sql}"
            return int(connection.execute(sql, where.parameters).fetchone()[0])

    def count_by_document(self) -> dict[str, int]:
        """Number of passages by `meta.document_id`."""
        sql = "SELECT document_id, count(*) FROM passages WHERE document_id IS NOT NULL GROUP BY document_id"
        with self._file.reading() as connection:
            return dict(connection.execute(sql).fetchall())

    def sample_documents(self, count: int) -> list[HaystackDocument]:
        """Some passages, with their vectors, spread evenly over the file."""
        with self._file.reading() as connection:
            numbers = [row[0] for row in connection.execute("SELECT number FROM vectors ORDER BY number")]
            spread = numbers[:: max(len(numbers) // count, 1)][:count]
            return fetch(connection, [(number, 0.0) for number in spread], return_embedding=True)

    def filter_documents(self, filters: Filters = None) -> list[HaystackDocument]:
        """In the order of writing."""
        where = compile_filters(filters)
        sql = f"""
            SELECT {COLUMNS}, vector FROM passages LEFT JOIN vectors USING (number)
            WHERE {where.sql} ORDER BY number
        """
        with self._file.reading() as connection:
            return [passage_of(row) for row in connection.execute(sql, where.parameters)]

    def write_documents(
        self, documents: list[HaystackDocument], policy: DuplicatePolicy = DuplicatePolicy.NONE
    ) -> int:
        """All or none. Returns how many were written; without a policy a known id is an error."""
        if not isinstance(documents, list) or not all(isinstance(one, HaystackDocument) for one in documents):
            raise ValueError("write_documents takes a list of Haystack documents")
        with self._file.writing() as connection:
            new = without_duplicates(connection, documents, policy)
            self._stamp_dimension(connection, new)
            insert(connection, new)
        return len(new)

    def delete_documents(self, document_ids: list[str]) -> None:
        with self._file.writing() as connection:
            delete_by_id(connection, document_ids)

    def delete_by_filter(self, filters: dict[str, Any]) -> int:
        where = compile_filters(filters)
        with self._file.writing() as connection:
            return delete(connection, where.sql, where.parameters)

    def delete_all_documents(self) -> None:
        self.delete_by_filter({})

    def update_by_filter(self, filters: dict[str, Any], meta: dict[str, Any]) -> int:
        """Merges `meta` into that of the matching passages; returns how many there are."""
        where = compile_filters(filters)
        with self._file.writing() as connection:
            sql = f"SELECT meta, number FROM passages WHERE {where.sql}"
            rows = connection.execute(sql, where.parameters).fetchall()
            changed = [(to_json({**json.loads(old), **meta}), number) for old, number in rows]
            connection.executemany("UPDATE passages SET meta = ? WHERE number = ?", changed)
            note_rewrite(connection)
        return len(rows)

    def embedding_retrieval(
        self,
        query_embedding: Sequence[float],
        *,
        filters: Filters = None,
        top_k: int = 10,
        return_embedding: bool = False,
    ) -> list[HaystackDocument]:
        """The nearest by cosine, which is their score. Compared with every vector: nothing is missed."""
        with self._file.reading() as connection:
            _, nearest = self._nearest(connection, query_embedding, filters, top_k)
            return fetch(connection, nearest, return_embedding=return_embedding)

    def bm25_retrieval(
        self, query: str, *, filters: Filters = None, top_k: int = 10
    ) -> list[HaystackDocument]:
        """Passages with words of the query, which may hold anything a person can type."""
        with self._file.reading() as connection:
            return fetch(connection, matching(connection, query, filters, top_k), return_embedding=False)

    def embedding_ranking(
        self, query_embedding: Sequence[float], *, filters: Filters = None, top_k: int = 10
    ) -> Ranking:
        """What `embedding_retrieval` finds, its texts left in the file."""
        with self._file.reading() as connection:
            vectors, nearest = self._nearest(connection, query_embedding, filters, top_k)
        return self._ranking(vectors, nearest)

    def bm25_ranking(self, query: str, *, filters: Filters = None, top_k: int = 10) -> Ranking:
        """What `bm25_retrieval` finds, its texts left in the file."""
        with self._file.reading() as connection:
            vectors = self._vectors.look(connection)
            best = matching(connection, query, filters, top_k)
        return self._ranking(vectors, best)

    def by_id(self, ids: Sequence[str]) -> dict[str, HaystackDocument]:
        """Those that are there."""
        with self._file.reading() as connection:
            return fetch_by_id(connection, ids)

    async def count_documents_async(self) -> int:
        return await _on_thread(self.count_documents)

    async def count_documents_by_filter_async(self, filters: dict[str, Any]) -> int:
        return await _on_thread(self.count_documents_by_filter, filters)

    async def count_by_document_async(self) -> dict[str, int]:
        return await _on_thread(self.count_by_document)

    async def sample_documents_async(self, count: int) -> list[HaystackDocument]:
        return await _on_thread(self.sample_documents, count)

    async def filter_documents_async(self, filters: Filters = None) -> list[HaystackDocument]:
        return await _on_thread(self.filter_documents, filters)

    async def write_documents_async(
        self, documents: list[HaystackDocument], policy: DuplicatePolicy = DuplicatePolicy.NONE
    ) -> int:
        return await _on_thread(self.write_documents, documents, policy)

    async def delete_documents_async(self, document_ids: list[str]) -> None:
        await _on_thread(self.delete_documents, document_ids)

    async def delete_by_filter_async(self, filters: dict[str, Any]) -> int:
        return await _on_thread(self.delete_by_filter, filters)

    async def delete_all_documents_async(self) -> None:
        await _on_thread(self.delete_all_documents)

    async def update_by_filter_async(self, filters: dict[str, Any], meta: dict[str, Any]) -> int:
        return await _on_thread(self.update_by_filter, filters, meta)

    async def embedding_retrieval_async(
        self, query_embedding: Sequence[float], **options: Any
    ) -> list[HaystackDocument]:
        return await _on_thread(partial(self.embedding_retrieval, query_embedding, **options))

    async def bm25_retrieval_async(self, query: str, **options: Any) -> list[HaystackDocument]:
        return await _on_thread(partial(self.bm25_retrieval, query, **options))

    async def embedding_ranking_async(self, query_embedding: Sequence[float], **options: Any) -> Ranking:
        rank = partial(self.embedding_ranking, query_embedding, **options)
        return rank() if self._is_quick() else await _on_thread(rank)

    async def bm25_ranking_async(self, query: str, **options: Any) -> Ranking:
        return await anyio.to_thread.run_sync(
            partial(self.bm25_ranking, query, **options), limiter=self._places
        )

    async def by_id_async(self, ids: Sequence[str]) -> dict[str, HaystackDocument]:
        return self.by_id(ids) if self._is_quick() else await _on_thread(self.by_id, ids)

    def _is_quick(self) -> bool:
        """Whether vectors are compared, or a few passages fetched, sooner than a thread takes them over."""
        if self._file.path == IN_MEMORY:
            return False  # All wait for whoever reads or writes.
        with self._file.reading() as connection:
            return self._vectors.is_at_hand(connection)

    def _nearest(
        self, connection: sqlite3.Connection, query_embedding: Sequence[float], filters: Filters, top_k: int
    ) -> tuple[Vectors, list[tuple[int, float]]]:
        query = unit(np.asarray(query_embedding, dtype=np.float32))
        self._check_dimension(connection, len(query))
        vectors = self._vectors.look(connection)
        selected = selected_documents(filters)
        if selected is not None:
            among = vectors.positions_of(selected)
        elif filters:
            where = compile_filters(filters)
            sql = f"SELECT number FROM passages WHERE {where.sql}"
            among = vectors.positions_at(row[0] for row in connection.execute(sql, where.parameters))
        else:
            among = None
        return vectors, vectors.nearest(query, top_k, among) if len(vectors.numbers) else []

    def _ranking(self, vectors: Vectors, scored: Iterable[tuple[int, float]]) -> Ranking:
        scores = {vectors.ids[number]: score for number, score in scored}
        return Ranking(scores=scores, sections=vectors.sections, fetch=self.by_id_async)

    def _stamp_dimension(self, connection: sqlite3.Connection, documents: Iterable[HaystackDocument]) -> None:
        for length in {len(one.embedding) for one in documents if one.embedding is not None}:
            self._check_dimension(connection, length)
            sql = "INSERT INTO properties VALUES ('dimension', ?) ON CONFLICT DO NOTHING"
            connection.execute(sql, (length,))

    def _check_dimension(self, connection: sqlite3.Connection, length: int) -> None:
        stored = connection.execute("SELECT value FROM properties WHERE name = 'dimension'").fetchone()
        for expected in (stored[0] if stored else None, self._dimension):
            if expected is not None and expected != length:
                raise DimensionMismatch(
                    f"{self._file.path} holds vectors of {expected} numbers, "
                    f"the embedding model makes {length}. "
                    "Choose the former model, or delete the file and index again."
                )


async def _on_thread(function: Callable[..., Result], *arguments: Any) -> Result:
    return await anyio.to_thread.run_sync(function, *arguments)
