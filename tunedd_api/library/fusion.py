"""One ranking out of several: by meaning and by words, of a question alone and with what came before."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from haystack import Document as HaystackDocument
from haystack import component

from tunedd_api.library.cutting.headings import is_references

Passages = list[HaystackDocument]

CITED_WORKS_WEIGHT = 0.5
"""What a passage of the list of references keeps of its score: full of telling words, it answers little."""
SAME_TEXT = 0.8
"""Two passages that share this part of their words say the same; the lower one would waste a place."""


@component
class Fusion:
    """Half similarity of meaning, half shared words, each scaled to 0…1 over its candidates."""

    @component.output_types(documents=Passages)
    def run(self, dense: Passages, lexical: Passages) -> dict[str, Passages]:
        fused = weighted_sum([(0.5, scaled(dense)), (0.5, scaled(lexical))])
        return {"documents": weighted_sum([(1.0, [_weighed(one) for one in fused])])}


def scaled(ranking: Sequence[HaystackDocument]) -> Passages:
    """Scores stretched so that the best has 1 and the last 0: cosines and BM25 become comparable."""
    scores = [one.score or 0.0 for one in ranking]
    low, high = min(scores, default=0.0), max(scores, default=0.0)
    return [
        replace(one, score=(score - low) / (high - low) if high > low else 1.0)
        for one, score in zip(ranking, scores, strict=True)
    ]


def weighted_sum(rankings: Iterable[tuple[float, Sequence[HaystackDocument]]]) -> Passages:
    """All passages, best first. One that a ranking lacks gets nothing from it."""
    passages: dict[str, HaystackDocument] = {}
    scores: dict[str, float] = {}
    for weight, ranking in rankings:
        for one in ranking:
            passages[one.id] = one
            scores[one.id] = scores.get(one.id, 0.0) + weight * (one.score or 0.0)
    best = sorted(scores, key=lambda one: (-scores[one], one))
    return [replace(passages[one], score=scores[one]) for one in best]


def first_different(ranking: Iterable[HaystackDocument], limit: int) -> Passages:
    """The first that do not repeat a better one, as overlapping cuts or two versions of a paper would."""
    chosen: list[tuple[HaystackDocument, frozenset[str]]] = []
    for one in ranking:
        if len(chosen) == limit:
            break
        words = frozenset((one.content or "").lower().split())
        if not any(_alike(words, others) for _, others in chosen):
            chosen.append((one, words))
    return [one for one, _ in chosen]


def _weighed(passage: HaystackDocument) -> HaystackDocument:
    if is_references(passage.meta.get("section")):
        return replace(passage, score=(passage.score or 0.0) * CITED_WORKS_WEIGHT)
    return passage


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= SAME_TEXT * max(len(one | other), 1)
