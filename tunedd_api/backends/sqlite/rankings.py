"""The searches of the SQLite document store as Haystack components that find rankings."""

from haystack import component

from tunedd_api.backends.ranking import Ranking
from tunedd_api.backends.sqlite.filters import Filters
from tunedd_api.backends.sqlite.store import SQLiteDocumentStore


@component
class SQLiteEmbeddingRanking:
    """As `SQLiteEmbeddingRetriever`, for hundreds of passages of which a few are read."""

    def __init__(self, document_store: SQLiteDocumentStore, *, top_k: int = 10) -> None:
        self.document_store = document_store
        self.top_k = top_k

    @component.output_types(ranking=Ranking)
    def run(
        self, query_embedding: list[float], filters: Filters = None, top_k: int | None = None
    ) -> dict[str, Ranking]:
        found = self.document_store.embedding_ranking(
            query_embedding, filters=filters, top_k=top_k or self.top_k
        )
        return {"ranking": found}

    @component.output_types(ranking=Ranking)
    async def run_async(
        self, query_embedding: list[float], filters: Filters = None, top_k: int | None = None
    ) -> dict[str, Ranking]:
        found = await self.document_store.embedding_ranking_async(
            query_embedding, filters=filters, top_k=top_k or self.top_k
        )
        return {"ranking": found}


@component
class SQLiteBM25Ranking:
    """As `SQLiteBM25Retriever`, for hundreds of passages of which a few are read."""

    def __init__(self, document_store: SQLiteDocumentStore, *, top_k: int = 10) -> None:
        self.document_store = document_store
        self.top_k = top_k

    @component.output_types(ranking=Ranking)
    def run(self, query: str, filters: Filters = None, top_k: int | None = None) -> dict[str, Ranking]:
        found = self.document_store.bm25_ranking(query, filters=filters, top_k=top_k or self.top_k)
        return {"ranking": found}

    @component.output_types(ranking=Ranking)
    async def run_async(
        self, query: str, filters: Filters = None, top_k: int | None = None
    ) -> dict[str, Ranking]:
        found = await self.document_store.bm25_ranking_async(
            query, filters=filters, top_k=top_k or self.top_k
        )
        return {"ranking": found}
