"""Question → ranked passages: a Haystack pipeline that searches by meaning and by words."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from haystack import Document as HaystackDocument
from haystack import Pipeline
from haystack.core.component import Component
from haystack.core.errors import PipelineRuntimeError

from tunedd_api.backends.ranking import Ranking, ranking_of
from tunedd_api.errors import TuneddError
from tunedd_api.library.fusion import Different, Scores, best_first, fused, weighted_sum, without_cited_works
from tunedd_api.library.model import Found

CANDIDATES = 200
"""Passages that each of the two searches brings to the fusion, and over which its scores are scaled. How it
was chosen, with what else was tried: docs/benchmarks.md."""
FEWEST, TIMES = 20, 3
"""Passages that a search brings which fuses by itself: so many, or so many times what is asked for. Some fall
behind as cited works, some repeat others; with 100 the same pages were found."""
ALONE = 2 / 3
"""Weight of the question on its own in a conversation; the rest goes to the question with the last turn.
Measured: with more a follow-up loses what it refers to, with less a new topic drags the old one along."""
LAST_TURN = 2
"""Texts at the end of the history that make up the last turn: a question and its answer."""
LONGEST_CONTEXT = 400
"""Characters of the last turn that are searched with. Between 250 and 1,200 the same pages were found, and
each hundred costs some milliseconds of the embedder."""
SPARE = 3
"""Passages fetched beyond those asked for, in case some of them repeat better ones."""


class Retrieval:
    """
    Searches a store through its own retrievers: two whose results are fused here, or one that fuses.

    `embedder` turns `text` into an `embedding`; `dense` takes a `query_embedding`, `lexical` a `query`,
    `hybrid` both, and all of them `filters` and `top_k`: the manner of Haystack's embedders and retrievers,
    whatever the store. They give `documents`, as retrievers do, or a `ranking`, where that is cheaper.
    """

    def __init__(
        self,
        *,
        embedder: Component,
        dense: Component | None = None,
        lexical: Component | None = None,
        hybrid: Component | None = None,
    ) -> None:
        named = {"dense": dense, "lexical": lexical, "hybrid": hybrid}
        self._retrievers = [name for name, retriever in named.items() if retriever is not None]
        if self._retrievers not in (["dense", "lexical"], ["hybrid"]):
            raise ValueError("Retrieval takes dense and lexical, or hybrid")
        self._pipeline = Pipeline()
        self._pipeline.add_component("embedder", embedder)
        for name, retriever in named.items():
            if retriever is not None:
                self._pipeline.add_component(name, retriever)
                if name != "lexical":
                    self._pipeline.connect("embedder.embedding", f"{name}.query_embedding")
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
        rankings: list[Ranking] = []
        scores: list[tuple[float, Scores]] = []
        wordings = list(_wordings(question, history))
        found = await asyncio.gather(*(self._candidates(text, document_ids, limit) for _, text in wordings))
        for (weight, _), candidates in zip(wordings, found, strict=True):
            rankings += candidates
            scores.append((weight, _scores(candidates)))
        return await _first_different(weighted_sum(scores), rankings, limit)

    async def _candidates(
        self, wording: str, document_ids: Sequence[str] | None, limit: int
    ) -> list[Ranking]:
        """Of each retriever."""
        fuses = self._retrievers == ["hybrid"]
        scope: dict[str, Any] = {"top_k": max(FEWEST, TIMES * limit) if fuses else CANDIDATES}
        if document_ids is not None:
            wanted = list(document_ids)
            scope["filters"] = {"field": "meta.document_id", "operator": "in", "value": wanted}
        data: dict[str, Any] = {"embedder": {"text": wording}}
        for name in self._retrievers:
            data[name] = scope if name == "dense" else {"query": wording, **scope}
        try:
            result = await self._pipeline.run_async(data)
        except PipelineRuntimeError as error:
            if isinstance(error.__cause__, TuneddError):
                raise error.__cause__ from None
            raise
        return [ranking_of(result[name]) for name in self._retrievers]


def _wordings(question: str, history: Sequence[str]) -> Iterator[tuple[float, str]]:
    """What to search for, with weights that add up to one."""
    if not history:
        yield 1.0, question
        return
    yield ALONE, question
    # The question stands first: what an embedder cuts off is the end.
    yield 1 - ALONE, f"{question}\n{' '.join(history[-LAST_TURN:])[:LONGEST_CONTEXT]}"


def _scores(candidates: Sequence[Ranking]) -> Scores:
    match candidates:
        case [dense, lexical]:
            return fused(dense, lexical)
        case _:
            return without_cited_works(candidates[0].scores, candidates[0])


async def _first_different(scores: Scores, rankings: Sequence[Ranking], limit: int) -> list[Found]:
    """The best that do not repeat a better one, which would waste a place."""
    ids, different, chosen = best_first(scores), Different(), list[Found]()
    step = limit + SPARE
    for start in range(0, len(ids), step):
        passages = await _fetched(ids[start : start + step], rankings)
        for id, passage in passages.items():
            if len(chosen) < limit and different.add(passage.content or ""):
                chosen.append(_found(passage, scores[id]))
        if len(chosen) == limit:
            break
    return chosen


async def _fetched(ids: Sequence[str], rankings: Sequence[Ranking]) -> Mapping[str, HaystackDocument]:
    """In the order of the ids. What was removed since it was found is left out."""
    passages: dict[str, HaystackDocument] = {}
    for fetch in dict.fromkeys(ranking.fetch for ranking in rankings):
        if missing := [id for id in ids if id not in passages]:
            passages |= await fetch(missing)
    return {id: passages[id] for id in ids if id in passages}


def _found(passage: HaystackDocument, score: float) -> Found:
    return Found(
        document_id=passage.meta["document_id"],
        page=int(passage.meta["page"]),
        start=int(passage.meta["start"]),
        text=passage.content or "",
        score=score,
        section=passage.meta.get("section"),
    )
