"""Filters as SQL: the cases that Haystack's own store tests leave out."""

from collections.abc import Iterator
from typing import Any

import pytest
from haystack import Document as HaystackDocument
from haystack.errors import FilterError

from tunedd_api.backends.sqlite.filters import compile_filters, moment, selected_documents
from tunedd_api.backends.sqlite.store import SQLiteDocumentStore

Filters = dict[str, Any]
METAS: dict[str, dict[str, Any]] = {
    "paper": {"document_id": "a", "page": 1, "year": 2024, "read": True, "seen": "2024-05-01T12:00:00+02:00"},
    "notes": {"document_id": "A", "page": 2, "year": "2024", "tags": ["x", "y"], "seen": "2024-05-01"},
    "draft": {"document_id": "a.v2", "page": 1.5, "author": {"name": "O'Neil; DROP TABLE passages"}},
    "dated": {"document_id": "2024-05-01"},
}


@pytest.fixture
def store() -> Iterator[SQLiteDocumentStore]:
    store = SQLiteDocumentStore(":memory:")
    store.write_documents([HaystackDocument(id=one, content=one, meta=meta) for one, meta in METAS.items()])
    yield store
    store.close()


def condition(field: str, operator: str, value: Any) -> Filters:
    return {"field": field, "operator": operator, "value": value}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (condition("meta.document_id", "==", "a"), {"paper"}),
        (condition("meta.document_id", "in", ["A", "b"]), {"notes"}),
        (condition("meta.document_id", "in", []), set()),
        (condition("meta.document_id", "not in", ["a"]), {"notes", "draft", "dated"}),
        (condition("meta.year", "==", 2024), {"paper"}),
        (condition("meta.year", "==", "2024"), {"notes"}),
        (condition("meta.year", ">", 0), {"paper"}),
        (condition("meta.year", "in", [2024, None]), {"paper", "draft", "dated"}),
        (condition("meta.read", "==", True), {"paper"}),
        (condition("meta.tags", "==", ["x", "y"]), {"notes"}),
        (condition("meta.author.name", "==", "O'Neil; DROP TABLE passages"), {"draft"}),
        (condition("meta.author.name", "==", "x' OR '1'='1"), set()),
        (condition("meta.author.name", "==", "half \ud800 pair"), set()),
        (condition("meta.document_id", "in", ["a\0", "A\0b"]), set()),
        (condition("meta.document_id", "==", "a\0"), set()),
        (condition("meta.document_id", "in", ["2024-05-01T00:00"]), set()),
        (condition("meta.document_id", "==", "2024-05-01"), {"dated"}),
        (condition("meta.page", ">=", 10**30), set()),
        (condition("meta.seen", "==", "2024-05-01T10:00:00Z"), {"paper"}),
        (condition("meta.seen", "<", "2024-05-01T05:00:00"), {"notes"}),
        (condition("id", "in", ["paper", "draft"]), {"paper", "draft"}),
        (condition("content", "==", "notes"), {"notes"}),
        (condition("page", "==", 2), {"notes"}),
        ({"operator": "AND", "conditions": []}, set(METAS)),
        ({"operator": "OR", "conditions": []}, set()),
        ({"operator": "NOT", "conditions": [condition("meta.year", ">", 0)]}, {"notes", "draft", "dated"}),
    ],
)
def test_a_filter_selects_what_haystack_says(
    store: SQLiteDocumentStore, filters: Filters, expected: set[str]
) -> None:
    assert {one.id for one in store.filter_documents(filters)} == expected


@pytest.mark.parametrize(
    "filters",
    [
        condition('meta.a"b', "==", 1),
        condition("meta.", "==", 1),
        condition("meta.x') OR 1=1 --", "==", 1),
        condition("meta.page", "LIKE", "%"),
        condition("meta.page", "==", object()),
        condition("meta.page", ">", object()),
        {"field": 7, "operator": "==", "value": 1},
        {"operator": "XOR", "conditions": []},
        {"operator": "AND", "conditions": ["page"]},
    ],
)
def test_what_is_no_filter_is_refused_before_it_becomes_sql(filters: Filters) -> None:
    with pytest.raises(FilterError):
        compile_filters(filters)


def test_values_never_stand_in_the_sql() -> None:
    compiled = compile_filters(condition("meta.title", "==", "secret"))
    assert "secret" not in compiled.sql
    assert "title" not in compiled.sql
    assert compiled.parameters == ('$."title"', "secret")


def test_only_a_plain_choice_of_documents_takes_the_short_way() -> None:
    chosen = condition("meta.document_id", "in", ["a", "b"])
    assert selected_documents(chosen) == ["a", "b"]
    assert selected_documents({"operator": "NOT", "conditions": [chosen]}) is None
    assert selected_documents(condition("meta.document_id", "not in", ["a"])) is None
    assert selected_documents(condition("meta.document_id", "in", ["a", 1])) is None
    assert selected_documents(None) is None


@pytest.mark.parametrize("text", ["2024", "2024-13-01", "next week", 20240501, None])
def test_what_is_no_iso_date_has_no_moment(text: object) -> None:
    assert moment(text) is None
