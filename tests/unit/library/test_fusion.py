import pytest

from tunedd_api.backends.ranking import Ranking
from tunedd_api.library.fusion import Different, best_first, fused, scaled, weighted_sum


async def nothing(ids: object) -> dict[str, object]:
    raise AssertionError("fusion needs no texts")


def ranking(sections: dict[str, str] | None = None, **scores: float) -> Ranking:
    known = {one: (sections or {}).get(one) for one in scores}
    return Ranking(scores=scores, sections=known, fetch=nothing)  # type: ignore[arg-type]  # never called


def test_scores_are_stretched_from_zero_to_one() -> None:
    assert scaled({"a": 12, "b": 7, "c": 2}) == {"a": 1.0, "b": 0.5, "c": 0.0}


def test_equal_scores_are_all_best() -> None:
    assert scaled({"a": -3, "b": -3}) == {"a": 1.0, "b": 1.0}
    assert scaled({}) == {}


def test_a_passage_that_both_found_comes_first() -> None:
    dense = ranking(meaning=0.9, both=0.85, last=0.1)
    lexical = ranking(words=20.0, both=18.0, least=2.0)
    scores = fused(dense, lexical)
    assert best_first(scores)[:3] == ["both", "meaning", "words"]
    assert scores["both"] == pytest.approx((0.75 / 0.8 + 16 / 18) / 2)


def test_one_search_that_finds_nothing_leaves_the_order_of_the_other() -> None:
    assert best_first(fused(ranking(a=0.9, b=0.5, c=0.1), ranking())) == ["a", "b", "c"]
    assert fused(ranking(), ranking()) == {}


def test_lists_of_references_rank_lower() -> None:
    both = ranking({"cited": "References", "said": "Discussion"}, cited=1.0, said=0.6, last=0.0)
    assert fused(both, both) == pytest.approx({"said": 0.6, "cited": 0.5, "last": 0.0})
    assert fused(both, ranking())["cited"] == 0.25


def test_weights_add_up_over_rankings() -> None:
    summed = weighted_sum([(0.75, {"a": 1.0, "b": 0.5}), (0.25, {"b": 1.0})])
    assert summed == {"a": 0.75, "b": 0.625}


def test_equal_sums_are_in_the_order_of_their_ids() -> None:
    assert best_first({"b": 1.0, "a": 1.0, "c": 2.0}) == ["c", "a", "b"]


def test_a_text_that_repeats_an_earlier_one_is_told() -> None:
    different = Different()
    texts = ["agents learn from one another", "Agents learn  from one another", "networks learn", "", ""]
    assert [different.add(text) for text in texts] == [True, False, True, True, True]
