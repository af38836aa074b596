"""One ranking out of several: by meaning and by words, of a question alone and with what came before."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from haystack import Document as HaystackDocument

from tunedd_api.library.cutting.headings import is_references

Passages = Sequence[HaystackDocument]
Scores = dict[str, float]
"""By the id of the passage."""

CITED_WORKS_WEIGHT = 0.5
"""What a passage of the list of references keeps of its score: full of telling words, it answers little."""
SAME_TEXT = 0.8
"""Two passages that share this part of their words say the same; the lower one would waste a place."""


def fused(dense: Passages, lexical: Passages) -> Scores:
    """Half similarity of meaning, half shared words, each scaled to 0…1 over its candidates."""
    scores = weighted_sum([(0.5, scaled(dense)), (0.5, scaled(lexical))])
    cited = {one.id for one in (*dense, *lexical) if is_references(one.meta.get("section"))}
    return {one: score * CITED_WORKS_WEIGHT if one in cited else score for one, score in scores.items()}


def scaled(ranking: Passages) -> Scores:
    """Scores stretched so that the best has 1 and the last 0: cosines and BM25 become comparable."""
    scores = {one.id: one.score or 0.0 for one in ranking}
    low, high = min(scores.values(), default=0.0), max(scores.values(), default=0.0)
    return {one: (score - low) / (high - low) if high > low else 1.0 for one, score in scores.items()}


def weighted_sum(rankings: Iterable[tuple[float, Scores]]) -> Scores:
    """One that a ranking lacks gets nothing from it."""
    scores: Scores = {}
    for weight, ranking in rankings:
        for one, score in ranking.items():
            scores[one] = scores.get(one, 0.0) + weight * score
    return scores


def ranked(passages: Iterable[HaystackDocument], scores: Scores) -> Iterator[HaystackDocument]:
    """The passages with these scores, best first."""
    by_id = {one.id: one for one in passages}
    for one in sorted(scores, key=lambda one: (-scores[one], one)):
        yield replace(by_id[one], score=scores[one])


def first_different(ranking: Iterable[HaystackDocument], limit: int) -> list[HaystackDocument]:
    """The first that do not repeat a better one, as overlapping cuts or two versions of a paper would."""
    chosen: list[tuple[HaystackDocument, frozenset[str]]] = []
    for one in ranking:
        if len(chosen) == limit:
            break
        words = frozenset((one.content or "").lower().split())
        if not any(_alike(words, others) for _, others in chosen):
            chosen.append((one, words))
    return [one for one, _ in chosen]


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= SAME_TEXT * max(len(one | other), 1)
