"""One ranking out of several: by meaning and by words, of a question alone and with what came before."""

from collections.abc import Iterable, Mapping

from tunedd_api.backends.ranking import Ranking
from tunedd_api.library.cutting.headings import is_references

Scores = Mapping[str, float]
"""By the id of the passage."""

CITED_WORKS_WEIGHT = 0.5
"""What a passage of the list of references keeps of its score: full of telling words, it answers little."""
SAME_TEXT = 0.8
"""Two passages that share this part of their words say the same; the lower one would waste a place."""


def fused(dense: Ranking, lexical: Ranking) -> Scores:
    """Half similarity of meaning, half shared words, each scaled to 0…1 over its candidates."""
    scores = weighted_sum([(0.5, scaled(dense.scores)), (0.5, scaled(lexical.scores))])
    return without_cited_works(scores, dense, lexical)


def without_cited_works(scores: Scores, *rankings: Ranking) -> Scores:
    """What stands in a list of references gets less."""
    sections = {one: ranking.sections.get(one) for ranking in rankings for one in ranking.scores}
    cited = {section for section in set(sections.values()) if is_references(section)}
    return {
        one: score * CITED_WORKS_WEIGHT if sections[one] in cited else score for one, score in scores.items()
    }


def scaled(scores: Scores) -> Scores:
    """Stretched so that the best has 1 and the last 0: cosines and BM25 become comparable."""
    low, high = min(scores.values(), default=0.0), max(scores.values(), default=0.0)
    return {one: (score - low) / (high - low) if high > low else 1.0 for one, score in scores.items()}


def weighted_sum(rankings: Iterable[tuple[float, Scores]]) -> Scores:
    """One that a ranking lacks gets nothing from it."""
    scores: dict[str, float] = {}
    for weight, ranking in rankings:
        for one, score in ranking.items():
            scores[one] = scores.get(one, 0.0) + weight * score
    return scores


def best_first(scores: Scores) -> list[str]:
    """The ids; those with equal scores in the order of their ids."""
    return sorted(scores, key=lambda one: (-scores[one], one))


class Different:
    """Tells texts that repeat an earlier one, as overlapping cuts or two versions of a paper do."""

    def __init__(self) -> None:
        self._seen: list[frozenset[str]] = []

    def add(self, text: str) -> bool:
        """False where it repeats one that was added."""
        words = frozenset(text.lower().split())
        if any(_alike(words, others) for others in self._seen):
            return False
        self._seen.append(words)
        return True


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= SAME_TEXT * max(len(one | other), 1)
