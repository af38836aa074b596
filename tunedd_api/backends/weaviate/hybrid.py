"""Weaviate's own hybrid search as a Haystack component that finds a ranking."""

from collections.abc import Mapping, Sequence
from typing import Any

from haystack import Document as HaystackDocument
from haystack import component
from weaviate.classes.query import HybridFusion, MetadataQuery

from tunedd_api.backends.ranking import Ranking
from tunedd_api.backends.stores import Filters
from tunedd_api.backends.weaviate.definition import WORDS
from tunedd_api.backends.weaviate.exact import compiled
from tunedd_api.backends.weaviate.rows import to_passage
from tunedd_api.backends.weaviate.store import PROPERTIES, WeaviatePassages

BY_MEANING = 0.5
"""What similarity of meaning counts; the rest is shared words. How it was chosen: docs/benchmarks.md."""


@component
class WeaviateHybridRanking:
    """
    By meaning and by words in one call; the server scales the scores of both to 0…1 and adds them up.

    weaviate-haystack's retriever asks for the definition before each search, brings every vector along, and
    does not search titles.
    """

    def __init__(self, document_store: WeaviatePassages, *, top_k: int = 10) -> None:
        self.document_store = document_store
        self.top_k = top_k

    @component.output_types(ranking=Ranking)
    def run(
        self,
        query: str,
        query_embedding: list[float],
        filters: Filters | None = None,
        top_k: int | None = None,
    ) -> dict[str, Ranking]:
        raise RuntimeError("This search is asynchronous only: run its pipeline with run_async")

    @component.output_types(ranking=Ranking)
    async def run_async(
        self,
        query: str,
        query_embedding: list[float],
        filters: Filters | None = None,
        top_k: int | None = None,
    ) -> dict[str, Ranking]:
        async with self.document_store.connection.passages() as passages:
            found = await passages.query.hybrid(
                query,
                vector=list(query_embedding),
                alpha=BY_MEANING,
                fusion_type=HybridFusion.RELATIVE_SCORE,
                query_properties=list(WORDS),
                filters=compiled(filters),
                limit=top_k or self.top_k,
                return_properties=PROPERTIES,
                return_metadata=MetadataQuery(score=True),
            )
        return {"ranking": _ranking([to_passage(one, one.metadata.score) for one in found.objects])}


def _ranking(passages: Sequence[HaystackDocument]) -> Ranking:
    by_id = {one.id: one for one in passages}

    async def fetch(ids: Sequence[str]) -> Mapping[str, Any]:
        return {id: by_id[id] for id in ids if id in by_id}

    return Ranking(
        scores={id: one.score or 0.0 for id, one in by_id.items()},
        sections={id: one.meta.get("section") for id, one in by_id.items()},
        fetch=fetch,
    )
