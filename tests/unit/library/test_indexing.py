"""Passages into the store, in batches, verified."""

from collections.abc import Iterator
from typing import Any

import pytest
from haystack import Document as HaystackDocument
from haystack.components.embedders import MockDocumentEmbedder
from haystack.document_stores.types import DuplicatePolicy

from tunedd_api.backends.sqlite.store import SQLiteDocumentStore
from tunedd_api.library.indexing import BATCH, Indexing, passage_id
from tunedd_api.library.model import Passage, PassagesLost

STAMP = "mock/3/s120"


@pytest.fixture
def store() -> Iterator[SQLiteDocumentStore]:
    store = SQLiteDocumentStore(":memory:")
    yield store
    store.close()


@pytest.fixture
def indexing(store: SQLiteDocumentStore) -> Indexing:
    return Indexing(MockDocumentEmbedder(dimension=3), store)


def passages(count: int) -> list[Passage]:
    return [
        Passage(page=1 + n // 3, start=10 * n, end=10 * n + 9, text=f"passage {n}", section="1 One")
        for n in range(count)
    ]


def stored(store: SQLiteDocumentStore, document_id: str) -> list[HaystackDocument]:
    wanted = {"field": "meta.document_id", "operator": "==", "value": document_id}
    return sorted(store.filter_documents(wanted), key=lambda one: one.meta["position"])


async def test_passages_are_stored_with_their_place_and_vector(
    store: SQLiteDocumentStore, indexing: Indexing
) -> None:
    assert await indexing.index("d1", "Bees", passages(4), STAMP) == 4
    found = stored(store, "d1")
    assert [one.content for one in found] == [f"passage {n}" for n in range(4)]
    assert all(one.embedding is not None and len(one.embedding) == 3 for one in found)
    assert found[3].meta == {
        "document_id": "d1",
        "title": "Bees",
        "page": 2,
        "start": 30,
        "end": 39,
        "section": "1 One",
        "position": 3,
        "stamp": STAMP,
    }


async def test_progress_hears_of_every_batch(indexing: Indexing) -> None:
    heard: list[int] = []

    async def progress(written: int) -> None:
        heard.append(written)

    await indexing.index("d1", "Bees", passages(2 * BATCH + 1), STAMP, progress=progress)
    assert len(heard) == 3
    assert heard == sorted(heard)
    assert heard[-1] == 2 * BATCH + 1


async def test_what_stops_an_indexing_comes_out_as_it_is(
    store: SQLiteDocumentStore, indexing: Indexing
) -> None:
    async def refuse(written: int) -> None:
        raise PassagesLost(f"{written}")

    with pytest.raises(PassagesLost):
        await indexing.index("d1", "Bees", passages(5 * BATCH), STAMP, progress=refuse)
    # What was under way ends, nothing new begins.
    assert store.count_documents() <= 2 * BATCH


async def test_indexing_twice_stores_once(store: SQLiteDocumentStore, indexing: Indexing) -> None:
    for _ in range(2):
        await indexing.index("d1", "Bees", passages(5), STAMP)
    assert store.count_documents() == 5


async def test_document_that_became_shorter_loses_its_old_end(
    store: SQLiteDocumentStore, indexing: Indexing
) -> None:
    await indexing.index("d1", "Bees", passages(5), STAMP)
    await indexing.index("d1", "Bees", passages(3), STAMP)
    assert [one.meta["position"] for one in stored(store, "d1")] == [0, 1, 2]


async def test_old_stamp_of_this_document_goes_and_other_documents_stay(
    store: SQLiteDocumentStore, indexing: Indexing
) -> None:
    await indexing.index("d1", "Bees", passages(2), "old")
    await indexing.index("d2", "Ants", passages(2), "old")
    await indexing.index("d1", "Bees", passages(3), STAMP)
    assert {one.meta["stamp"] for one in stored(store, "d1")} == {STAMP}
    assert len(stored(store, "d2")) == 2


async def test_removal_takes_one_document_under_every_stamp(
    store: SQLiteDocumentStore, indexing: Indexing
) -> None:
    await indexing.index("d1", "Bees", passages(2), STAMP)
    await indexing.index("d2", "Ants", passages(2), STAMP)
    await indexing.remove("d1")
    assert stored(store, "d1") == []
    assert len(stored(store, "d2")) == 2


class ForgetfulStore(SQLiteDocumentStore):
    """Says that it wrote everything and leaves one passage out."""

    def write_documents(
        self, documents: list[HaystackDocument], policy: DuplicatePolicy = DuplicatePolicy.NONE
    ) -> int:
        return super().write_documents(documents[:-1], policy) + 1


async def test_lost_passage_is_noticed_and_the_old_ones_still_serve() -> None:
    store = ForgetfulStore(":memory:")
    old = HaystackDocument(id="old", content="old", meta={"document_id": "d1", "stamp": "old", "position": 0})
    SQLiteDocumentStore.write_documents(store, [old])
    indexing = Indexing(MockDocumentEmbedder(dimension=3), store)
    with pytest.raises(PassagesLost, match="1 passages of 2"):
        await indexing.index("d1", "Bees", passages(2), STAMP)
    assert "old" in [one.id for one in stored(store, "d1")]
    store.close()


async def test_document_without_passages_has_none_left(
    store: SQLiteDocumentStore, indexing: Indexing
) -> None:
    await indexing.index("d1", "Bees", passages(2), STAMP)
    assert await indexing.index("d1", "Bees", [], STAMP) == 0
    assert store.count_documents() == 0


@pytest.mark.parametrize("other", [("d2", STAMP, 0), ("d1", "other", 0), ("d1", STAMP, 1)])
def test_ids_differ_by_document_stamp_and_position(other: Any) -> None:
    assert passage_id("d1", STAMP, 0) == passage_id("d1", STAMP, 0)
    assert passage_id("d1", STAMP, 0) != passage_id(*other)
