"""What a search brings to the fusion: hundreds of passages by id and score, their texts fetched by need."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from haystack import Document as HaystackDocument

Fetch = Callable[[Sequence[str]], Awaitable[Mapping[str, HaystackDocument]]]


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """The passages that one search found. It never changes."""

    scores: Mapping[str, float]
    """By the id of the passage, best first."""
    sections: Mapping[str, str | None]
    """The heading that each of them stands under; may know of others too."""
    fetch: Fetch
    """The passages with these ids; those that are gone, or that it does not know, are left out."""

    def __deepcopy__(self, memo: object) -> "Ranking":
        # A pipeline copies what it hands on, which for hundreds of passages takes longer than to find them.
        return self


def ranking_of(output: Mapping[str, Any]) -> Ranking:
    """Of what a component found: `ranking`, or `documents` as every Haystack retriever gives them."""
    if "ranking" in output:
        ranking: Ranking = output["ranking"]
        return ranking
    return _of_documents(output["documents"])


def _of_documents(documents: Iterable[HaystackDocument]) -> Ranking:
    by_id = {one.id: one for one in documents}

    async def fetch(ids: Sequence[str]) -> Mapping[str, HaystackDocument]:
        return {id: by_id[id] for id in ids if id in by_id}

    return Ranking(
        scores={id: one.score or 0.0 for id, one in by_id.items()},
        sections={id: one.meta.get("section") for id, one in by_id.items()},
        fetch=fetch,
    )
