"""Texts that Weaviate is to compare as a whole, and filters that do so."""

from typing import Any

import pytest
from haystack.errors import FilterError
from hypothesis import given
from hypothesis import strategies as st

from tunedd_api.backends.weaviate.exact import compiled, guarded, unguarded

blanks = st.sampled_from(["", " ", "\t", "\n", "\x85", "\xa0", "\u2028"])


@given(st.text(), blanks, blanks)
def test_no_two_texts_are_the_same_without_the_blanks_around_them(text: str, before: str, after: str) -> None:
    other = before + text + after
    assert unguarded(guarded(other)) == other
    assert (guarded(text).strip() == guarded(other).strip()) == (text == other)


@pytest.mark.parametrize("id", ["0123456789abcdef", "2401.13138v1", "Paper.pdf", "two words"])
def test_ordinary_ids_are_kept_as_they_are(id: str) -> None:
    assert guarded(id) == id


@pytest.mark.parametrize("operator", ["==", "!="])
def test_a_year_is_not_taken_for_a_date(operator: str) -> None:
    condition = {"field": "meta.document_id", "operator": operator, "value": "2009"}
    filters: Any = compiled({"operator": "AND", "conditions": [condition, condition]})
    assert "'2009'" in repr([vars(one) for one in filters.filters])
    assert "2009-01-01" not in repr([vars(one) for one in filters.filters])


@pytest.mark.parametrize("field", ["content", "meta.title", "meta.colour"])
def test_what_cannot_be_compared_exactly_is_refused(field: str) -> None:
    with pytest.raises(FilterError, match="cannot be selected by"):
        compiled({"operator": "NOT", "conditions": [{"field": field, "operator": "==", "value": "x"}]})


def test_without_conditions_there_is_no_filter() -> None:
    assert compiled(None) is None
    assert compiled({}) is None
