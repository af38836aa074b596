import pytest
from haystack import Document as HaystackDocument

from tunedd_api.library.fusion import first_different, fused, ranked, scaled, weighted_sum


def ranking(*scored: tuple[str, float]) -> list[HaystackDocument]:
    return [HaystackDocument(id=one, content=f"text of {one}", score=score) for one, score in scored]


def test_scores_are_stretched_from_zero_to_one() -> None:
    assert scaled(ranking(("a", 12), ("b", 7), ("c", 2))) == {"a": 1.0, "b": 0.5, "c": 0.0}


def test_equal_scores_are_all_best() -> None:
    assert scaled(ranking(("a", -3), ("b", -3))) == {"a": 1.0, "b": 1.0}
    assert scaled([]) == {}


def test_a_passage_that_both_found_comes_first() -> None:
    dense = ranking(("meaning", 0.9), ("both", 0.85), ("last", 0.1))
    lexical = ranking(("words", 20.0), ("both", 18.0), ("least", 2.0))
    best = list(ranked([*dense, *lexical], fused(dense, lexical)))
    assert [one.id for one in best][:3] == ["both", "meaning", "words"]
    assert best[0].score == pytest.approx((0.75 / 0.8 + 16 / 18) / 2)


def test_one_search_that_finds_nothing_leaves_the_order_of_the_other() -> None:
    dense = ranking(("a", 0.9), ("b", 0.5), ("c", 0.1))
    assert [one.id for one in ranked(dense, fused(dense, []))] == ["a", "b", "c"]
    assert fused([], []) == {}


def test_lists_of_references_rank_lower() -> None:
    cited = HaystackDocument(id="cited", content="[1] A. Author", score=1.0, meta={"section": "References"})
    said = HaystackDocument(id="said", content="We say", score=0.6, meta={"section": "Discussion"})
    last = HaystackDocument(id="last", content="The end", score=0.0)
    both = [cited, said, last]
    assert fused(both, both) == pytest.approx({"said": 0.6, "cited": 0.5, "last": 0.0})


def test_weights_add_up_over_rankings() -> None:
    summed = weighted_sum([(0.75, {"a": 1.0, "b": 0.5}), (0.25, {"b": 1.0})])
    assert summed == {"a": 0.75, "b": 0.625}


def test_equal_sums_are_in_the_order_of_their_ids() -> None:
    assert [one.id for one in ranked(ranking(("b", 1.0), ("a", 1.0)), {"b": 1.0, "a": 1.0})] == ["a", "b"]


def test_a_passage_that_repeats_a_better_one_gives_up_its_place() -> None:
    texts = ["agents learn from one another", "Agents learn  from one another", "networks learn", ""]
    documents = [HaystackDocument(id=str(place), content=text) for place, text in enumerate(texts)]
    assert [one.id for one in first_different(documents, 3)] == ["0", "2", "3"]
    assert [one.id for one in first_different(documents, 1)] == ["0"]
