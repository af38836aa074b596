"""The Haystack retrievers over the SQLite document store."""

from typing import Any

from haystack import Document as HaystackDocument
from haystack import component, default_from_dict, default_to_dict

from tunedd_api.backends.sqlite.filters import Filters
from tunedd_api.backends.sqlite.store import SQLiteDocumentStore

Documents = list[HaystackDocument]


@component
class SQLiteEmbeddingRetriever:
    """Finds the passages whose vectors are nearest to the question's."""

    def __init__(self, document_store: SQLiteDocumentStore, *, top_k: int = 10) -> None:
        self.document_store = document_store
        self.top_k = top_k

    def to_dict(self) -> dict[str, Any]:
        return default_to_dict(self, document_store=self.document_store, top_k=self.top_k)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "SQLiteEmbeddingRetriever":
        return default_from_dict(cls, data)

    @component.output_types(documents=Documents)
    def run(
        self, query_embedding: list[float], filters: Filters = None, top_k: int | None = None
    ) -> dict[str, Documents]:
        found = self.document_store.embedding_retrieval(
            query_embedding, filters=filters, top_k=top_k or self.top_k
        )
        return {"documents": found}

    @component.output_types(documents=Documents)
    async def run_async(
        self, query_embedding: list[float], filters: Filters = None, top_k: int | None = None
    ) -> dict[str, Documents]:
        found = await self.document_store.embedding_retrieval_async(
            query_embedding, filters=filters, top_k=top_k or self.top_k
        )
        return {"documents": found}


@component
class SQLiteBM25Retriever:
    """Finds the passages that share telling words with the question."""

    def __init__(self, document_store: SQLiteDocumentStore, *, top_k: int = 10) -> None:
        self.document_store = document_store
        self.top_k = top_k

    def to_dict(self) -> dict[str, Any]:
        return default_to_dict(self, document_store=self.document_store, top_k=self.top_k)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "SQLiteBM25Retriever":
        return default_from_dict(cls, data)

    @component.output_types(documents=Documents)
    def run(self, query: str, filters: Filters = None, top_k: int | None = None) -> dict[str, Documents]:
        found = self.document_store.bm25_retrieval(query, filters=filters, top_k=top_k or self.top_k)
        return {"documents": found}

    @component.output_types(documents=Documents)
    async def run_async(
        self, query: str, filters: Filters = None, top_k: int | None = None
    ) -> dict[str, Documents]:
        found = await self.document_store.bm25_retrieval_async(
            query, filters=filters, top_k=top_k or self.top_k
        )
        return {"documents": found}
