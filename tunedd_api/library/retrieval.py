"""Question → ranked passages: a Haystack pipeline that searches by meaning and by words and fuses both."""

from collections.abc import Iterator, Sequence
from typing import Any

from haystack import Document as HaystackDocument
from haystack import Pipeline
from haystack.core.component import Component
from haystack.core.errors import PipelineRuntimeError

from tunedd_api.errors import TuneddError
from tunedd_api.library.fusion import first_different, fused, ranked, weighted_sum
from tunedd_api.library.model import Found

CANDIDATES = 200
"""Passages that each of the two searches brings to the fusion, and over which its scores are scaled. How it
was chosen, with what else was tried: docs/benchmarks.md."""
ALONE = 2 / 3
"""Weight of the question on its own in a conversation; the rest goes to the question with the last turn.
Measured: with more a follow-up loses what it refers to, with less a new topic drags the old one along."""
LAST_TURN = 2
"""Texts at the end of the history that make up the last turn: a question and its answer."""
LONGEST_CONTEXT = 1200
"""Characters of the last turn that are searched with: about what an embedder reads."""


class Retrieval:
    """
    Searches a store through its own two retrievers.

    `embedder` turns `text` into an `embedding`; `dense` takes a `query_embedding`, `lexical` a `query`, both
    `filters` and `top_k`: the manner of Haystack's embedders and retrievers, whatever the store.
    """

    def __init__(self, *, embedder: Component, dense: Component, lexical: Component) -> None:
        self._pipeline = Pipeline()
        self._pipeline.add_component("embedder", embedder)
        self._pipeline.add_component("dense", dense)
        self._pipeline.add_component("lexical", lexical)
        self._pipeline.connect("embedder.embedding", "dense.query_embedding")
        # Fused outside: between components a pipeline copies what it hands on, and these are hundreds.

    async def warm_up(self) -> None:
        """Loads the embedder's model, so that the first question does not wait for it."""
        await self._pipeline.warm_up_async()

    async def search(
        self,
        question: str,
        *,
        history: Sequence[str] = (),
        document_ids: Sequence[str] | None = None,
        limit: int = 5,
    ) -> list[Found]:
        """
        The best passages, best first, scores between 0 and 1; fewer than `limit` where there are no more.

        `history` is what was said before, oldest first. `document_ids` None means all; it is never empty.
        """
        passages: list[HaystackDocument] = []
        rankings = []
        for weight, wording in _wordings(question, history):
            dense, lexical = await self._candidates(wording, document_ids)
            passages += [*dense, *lexical]
            rankings.append((weight, fused(dense, lexical)))
        best = first_different(ranked(passages, weighted_sum(rankings)), limit)
        return [_found(one) for one in best]

    async def _candidates(
        self, wording: str, document_ids: Sequence[str] | None
    ) -> tuple[list[HaystackDocument], list[HaystackDocument]]:
        scope: dict[str, Any] = {"top_k": CANDIDATES}
        if document_ids is not None:
            wanted = list(document_ids)
            scope["filters"] = {"field": "meta.document_id", "operator": "in", "value": wanted}
        data = {"embedder": {"text": wording}, "dense": scope, "lexical": {"query": wording, **scope}}
        try:
            result = await self._pipeline.run_async(data)
        except PipelineRuntimeError as error:
            if isinstance(error.__cause__, TuneddError):
                raise error.__cause__ from None
            raise
        return result["dense"]["documents"], result["lexical"]["documents"]


def _wordings(question: str, history: Sequence[str]) -> Iterator[tuple[float, str]]:
    """What to search for, with weights that add up to one."""
    if not history:
        yield 1.0, question
        return
    yield ALONE, question
    # The question stands first: what an embedder cuts off is the end.
    yield 1 - ALONE, f"{question}\n{' '.join(history[-LAST_TURN:])[:LONGEST_CONTEXT]}"


def _found(passage: HaystackDocument) -> Found:
    return Found(
        document_id=passage.meta["document_id"],
        page=int(passage.meta["page"]),
        start=int(passage.meta["start"]),
        text=passage.content or "",
        score=passage.score or 0.0,
        section=passage.meta.get("section"),
    )
