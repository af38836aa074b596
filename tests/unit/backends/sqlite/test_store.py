"""What the SQLite store promises beyond Haystack's own tests."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from haystack import Document as HaystackDocument
from haystack.dataclasses import ByteStream, SparseEmbedding
from haystack.document_stores.errors import DuplicateDocumentError
from haystack.document_stores.types import DuplicatePolicy

from tunedd_api.backends.sqlite.store import DimensionMismatch, SQLiteDocumentStore

OF_A = {"field": "meta.document_id", "operator": "in", "value": ["a"]}
PAGE_2 = {"field": "meta.page", "operator": "==", "value": 2}


def passage(one: str, content: str, vector: list[float] | None = None, **meta: str | int) -> HaystackDocument:
    return HaystackDocument(id=one, content=content, embedding=vector, meta=dict(meta))


PASSAGES = [
    passage("1", "agents talk", [1.0, 0.0], document_id="a", page=1, title="Talk"),
    passage("2", "networks learn", [0.6, 0.8], document_id="a", page=2, title="Talk"),
    passage("3", "agents learn", [0.0, 2.0], document_id="b", page=2, title="Learning"),
    passage("4", "no vector"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "passages.db"


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, path: Path) -> Iterator[SQLiteDocumentStore]:
    store = SQLiteDocumentStore(path if request.param == "file" else ":memory:")
    store.write_documents(PASSAGES)
    yield store
    store.close()


def nearest(store: SQLiteDocumentStore, vector: list[float]) -> list[str]:
    return [one.id for one in store.embedding_retrieval(vector)]


def test_nearest_first_with_the_cosine_as_score(store: SQLiteDocumentStore) -> None:
    found = store.embedding_retrieval([0.0, 3.0])
    assert [one.id for one in found] == ["3", "2", "1"]
    assert [one.score for one in found] == pytest.approx([1.0, 0.8, 0.0], abs=1e-6)
    assert found[0].embedding is None
    assert store.embedding_retrieval([0.0, 3.0], return_embedding=True)[0].embedding == [0.0, 2.0]


def test_no_more_than_top_k_are_found(store: SQLiteDocumentStore) -> None:
    assert len(store.embedding_retrieval([1.0, 0.0], top_k=2)) == 2
    assert len(store.bm25_retrieval("agents", top_k=1)) == 1


def test_searches_stay_within_their_filter(store: SQLiteDocumentStore) -> None:
    assert [one.id for one in store.embedding_retrieval([0.0, 1.0], filters=OF_A)] == ["2", "1"]
    assert [one.id for one in store.embedding_retrieval([0.0, 1.0], filters=PAGE_2)] == ["3", "2"]
    assert {one.id for one in store.bm25_retrieval("agents learn", filters=OF_A)} == {"1", "2"}
    assert store.embedding_retrieval([0.0, 1.0], filters={**OF_A, "value": ["c"]}) == []


def test_words_are_found_by_their_stem_in_text_and_title(store: SQLiteDocumentStore) -> None:
    assert [one.id for one in store.bm25_retrieval("network")] == ["2"]
    assert {one.id for one in store.bm25_retrieval("talking")} == {"1", "2"}


def test_a_word_of_the_title_counts_more(store: SQLiteDocumentStore) -> None:
    store.write_documents(
        [passage("5", "zebra here", title="Other"), passage("6", "here indeed", title="Zebra")]
    )
    assert [one.id for one in store.bm25_retrieval("zebra")] == ["6", "5"]


@pytest.mark.parametrize(
    "question",
    [
        '"',
        "agents AND",
        "NEAR(",
        "title:",
        "a*",
        "^",
        "agents\x00",
        "🙂",
        "-",
        "'",
        "\ud800",
        "x " * 10_000,
        "",
    ],
)
def test_no_question_breaks_the_search(store: SQLiteDocumentStore, question: str) -> None:
    assert all(one.score is not None for one in store.bm25_retrieval(question))


def test_what_is_overwritten_is_found_by_its_new_text_and_vector_only(store: SQLiteDocumentStore) -> None:
    assert nearest(store, [1.0, 0.0])[0] == "1"
    new = passage("1", "swarms fly", [0.0, 1.0], document_id="b")
    assert store.write_documents([new], DuplicatePolicy.OVERWRITE) == 1
    assert nearest(store, [1.0, 0.0])[0] == "2"
    assert store.bm25_retrieval("talks", filters={**OF_A, "value": ["b"]}) == []
    assert [one.id for one in store.bm25_retrieval("swarms")] == ["1"]


def test_what_is_deleted_is_found_no_more(store: SQLiteDocumentStore) -> None:
    assert "2" in nearest(store, [1.0, 0.0])
    store.delete_documents(["2"])
    assert "2" not in nearest(store, [1.0, 0.0])
    assert store.bm25_retrieval("networks") == []


def test_a_changed_title_and_document_are_searched_at_once(store: SQLiteDocumentStore) -> None:
    assert [one.id for one in store.embedding_retrieval([0.0, 1.0], filters=OF_A)] == ["2", "1"]
    assert store.update_by_filter(PAGE_2, {"document_id": "b", "title": "Zebras"}) == 2
    assert [one.id for one in store.embedding_retrieval([0.0, 1.0], filters=OF_A)] == ["1"]
    assert {one.id for one in store.bm25_retrieval("zebra")} == {"2", "3"}


def test_what_is_added_after_a_search_is_found_too(store: SQLiteDocumentStore) -> None:
    nearest(store, [1.0, 0.0])
    store.write_documents([passage("5", "more", [0.9, 0.1], document_id="a"), passage("6", "none")])
    assert nearest(store, [0.9, 0.1])[0] == "5"
    in_a = store.embedding_retrieval([0.9, 0.1], filters=OF_A)
    assert [one.id for one in in_a] == ["5", "1", "2"]


def test_a_failed_write_leaves_nothing(store: SQLiteDocumentStore) -> None:
    with pytest.raises(DuplicateDocumentError):
        store.write_documents([passage("new", "text"), passage("1", "again")])
    with pytest.raises(ValueError, match="NUL"):
        store.write_documents([passage("new", "text"), passage("x", "text", document_id="a\0b")])
    with pytest.raises(ValueError, match="JSON"):
        store.write_documents([passage("new", "text"), HaystackDocument(id="x", meta={"x": float("nan")})])
    assert store.count_documents() == len(PASSAGES)


def test_twice_in_one_write_is_a_duplicate_as_well(store: SQLiteDocumentStore) -> None:
    twice = [passage("new", "first"), passage("new", "second")]
    with pytest.raises(DuplicateDocumentError):
        store.write_documents(twice)
    assert store.write_documents(twice, DuplicatePolicy.SKIP) == 1
    assert store.bm25_retrieval("second") == []
    assert store.write_documents(twice, DuplicatePolicy.OVERWRITE) == 1
    assert [one.content for one in store.bm25_retrieval("second")] == ["second"]


def test_everything_a_haystack_document_holds_comes_back(store: SQLiteDocumentStore) -> None:
    whole = HaystackDocument(
        content="naïve \x00 text 🙂",
        blob=ByteStream(b"\x00\xff", meta={"k": "v"}, mime_type="x/y"),
        meta={"nested": {"list": [1, 2.5, None, "é", "\\u0000"]}},
        embedding=[0.5, 0.25],
        sparse_embedding=SparseEmbedding(indices=[1, 7], values=[0.5, 0.1]),
    )
    store.write_documents([whole])
    filters = {"field": "id", "operator": "==", "value": whole.id}
    assert store.filter_documents(filters) == [whole]


def test_vectors_of_another_length_are_refused_when_written_and_when_asked(
    store: SQLiteDocumentStore,
) -> None:
    with pytest.raises(DimensionMismatch, match="vectors of 2 numbers, the embedding model makes 3"):
        store.write_documents([passage("5", "text", [1.0, 0.0, 0.0])])
    with pytest.raises(DimensionMismatch):
        store.embedding_retrieval([1.0, 0.0, 0.0])
    assert store.count_documents() == len(PASSAGES)


def test_the_dimension_is_stamped_in_the_file(path: Path) -> None:
    first = SQLiteDocumentStore(path)
    first.write_documents(PASSAGES)
    first.close()
    second = SQLiteDocumentStore(path, dimension=3)
    with pytest.raises(DimensionMismatch):
        second.embedding_retrieval([1.0, 0.0, 0.0])
    second.close()


def test_an_empty_store_finds_nothing() -> None:
    store = SQLiteDocumentStore(":memory:")
    assert store.embedding_retrieval([1.0, 0.0]) == []
    assert store.embedding_retrieval([1.0, 0.0], filters=OF_A) == []
    assert store.bm25_retrieval("agents") == []
    store.close()


def test_passages_outlive_the_store(path: Path) -> None:
    first = SQLiteDocumentStore(path)
    first.write_documents(PASSAGES)
    first.close()
    second = SQLiteDocumentStore.from_dict(SQLiteDocumentStore(path).to_dict())
    assert second.filter_documents()[:2] == [
        passage("1", "agents talk", [1.0, 0.0], document_id="a", page=1, title="Talk"),
        HaystackDocument(
            id="2",
            content="networks learn",
            embedding=second.filter_documents()[1].embedding,
            meta=PASSAGES[1].meta,
        ),
    ]
    assert nearest(second, [1.0, 0.0]) == ["1", "2", "3"]
    second.close()


def test_a_reader_notices_what_another_connection_writes(path: Path) -> None:
    reader, writer = SQLiteDocumentStore(path), SQLiteDocumentStore(path)
    writer.write_documents(PASSAGES)
    assert nearest(reader, [1.0, 0.0])[0] == "1"
    writer.write_documents([passage("5", "more", [9.0, 0.1])])
    assert nearest(reader, [1.0, 0.0])[:2] == ["1", "5"]
    writer.delete_documents(["1"])
    assert nearest(reader, [1.0, 0.0])[0] == "5"
    reader.close()
    writer.close()


def test_a_reader_notices_what_another_process_writes(path: Path) -> None:
    reader = SQLiteDocumentStore(path)
    reader.write_documents(PASSAGES)
    assert nearest(reader, [1.0, 0.0])[0] == "1"
    script = f"""
from haystack import Document as HaystackDocument
from tunedd_api.backends.sqlite.store import SQLiteDocumentStore
store = SQLiteDocumentStore({str(path)!r})
store.delete_documents(["1"])
store.write_documents([HaystackDocument(id="other", content="walrus", embedding=[9.0, 0.1])])
store.close()
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[4])
    assert nearest(reader, [1.0, 0.0])[0] == "other"
    assert [one.id for one in reader.bm25_retrieval("walrus")] == ["other"]
    reader.close()


def test_threads_may_write_and_search_at_once(store: SQLiteDocumentStore) -> None:
    failures: list[BaseException] = []

    def write(name: str) -> None:
        try:
            for number in range(20):
                store.write_documents([passage(f"{name}{number}", "agents", [1.0, 0.1], document_id=name)])
                chosen = store.embedding_retrieval([1.0, 0.0], filters={**OF_A, "value": [name]}, top_k=50)
                assert len(chosen) == number + 1
                assert store.bm25_retrieval("agents", top_k=3)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=write, args=(f"thread{number}-",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.count_documents() == len(PASSAGES) + 80


async def test_an_asynchronous_write_does_not_hold_up_the_loop(path: Path) -> None:
    store = SQLiteDocumentStore(path)
    await store.write_documents_async(PASSAGES)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(store.delete_documents_async(["1"]))
        # The write waits for the other connection, which only this loop can make give way.
        await asyncio.sleep(0.05)
        assert not waiting.done()
        assert await store.count_documents_async() == len(PASSAGES)
        other.execute("COMMIT")
    await waiting
    assert await store.count_documents_async() == len(PASSAGES) - 1
    store.close()


async def test_the_asynchronous_searches_find_the_same(store: SQLiteDocumentStore) -> None:
    dense = await store.embedding_retrieval_async([0.0, 1.0], filters=OF_A, top_k=1)
    assert dense == store.embedding_retrieval([0.0, 1.0], filters=OF_A, top_k=1)
    lexical = await store.bm25_retrieval_async("agents", top_k=2)
    assert lexical == store.bm25_retrieval("agents", top_k=2)
