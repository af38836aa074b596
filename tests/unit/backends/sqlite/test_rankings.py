"""Rankings: what a search finds without the texts, in step with what others write."""

import copy
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from haystack import Document as HaystackDocument
from haystack import Pipeline
from haystack.document_stores.types import DuplicatePolicy

from tunedd_api.backends.sqlite.rankings import SQLiteBM25Ranking, SQLiteEmbeddingRanking
from tunedd_api.backends.sqlite.store import SQLiteDocumentStore

OF_B = {"field": "meta.document_id", "operator": "in", "value": ["b"]}


def passage(one: str, content: str, vector: list[float] | None, **meta: object) -> HaystackDocument:
    return HaystackDocument(id=one, content=content, embedding=vector, meta=meta)


PASSAGES = [
    passage("1", "agents talk", [1.0, 0.0], document_id="a", section="Introduction"),
    passage("2", "agents learn", [0.9, 0.1], document_id="b", section=None),
    passage("3", "swarms learn", [0.0, 1.0], document_id="b", section=7),
    passage("4", "agents without a vector", None),
]


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SQLiteDocumentStore]:
    store = SQLiteDocumentStore(tmp_path / "passages.db" if request.param == "file" else ":memory:")
    store.write_documents(PASSAGES)
    yield store
    store.close()


def nearest(store: SQLiteDocumentStore) -> list[str]:
    return list(store.embedding_ranking([1.0, 0.0]).scores)


async def test_a_ranking_holds_what_its_retriever_finds(store: SQLiteDocumentStore) -> None:
    for filters in (None, OF_B):
        documents = store.embedding_retrieval([1.0, 0.0], filters=filters)
        by_meaning = store.embedding_ranking([1.0, 0.0], filters=filters)
        assert list(by_meaning.scores.items()) == [(one.id, one.score) for one in documents]
        documents = store.bm25_retrieval("agents", filters=filters)
        by_words = store.bm25_ranking("agents", filters=filters)
        assert list(by_words.scores) == [one.id for one in documents]
        assert list(by_words.scores.values()) == pytest.approx([one.score for one in documents])
    assert store.bm25_ranking("?").scores == {}


async def test_sections_and_texts_can_be_asked_for(store: SQLiteDocumentStore) -> None:
    ranking = store.bm25_ranking("agents")
    assert {one: ranking.sections[one] for one in ranking.scores} == {
        "1": "Introduction",
        "2": None,
        "4": None,
    }
    fetched = await ranking.fetch(["4", "1", "nowhere"])
    assert {one: passage.content for one, passage in fetched.items()} == {
        "1": "agents talk",
        "4": "agents without a vector",
    }
    assert fetched["1"].meta == PASSAGES[0].meta


async def test_what_was_removed_since_is_not_fetched(store: SQLiteDocumentStore) -> None:
    ranking = store.embedding_ranking([1.0, 0.0])
    store.delete_documents(["1"])
    assert list(await ranking.fetch(list(ranking.scores))) == ["2", "3"]


async def test_both_ways_of_asking_find_the_same_before_and_after_a_change(
    store: SQLiteDocumentStore,
) -> None:
    async def check(expected: list[str]) -> None:
        assert list((await store.embedding_ranking_async([1.0, 0.0])).scores) == expected
        assert list((await store.embedding_ranking_async([1.0, 0.0])).scores) == expected
        assert list((await store.bm25_ranking_async("agents", top_k=9)).scores) == list(
            store.bm25_ranking("agents", top_k=9).scores
        )

    await check(["1", "2", "3"])
    await store.delete_documents_async(["2"])
    await check(["1", "3"])
    store.write_documents([passage("5", "agents", [0.5, 0.5], section="Results")])
    await check(["1", "5", "3"])
    assert store.bm25_ranking("agents").sections["5"] == "Results"
    new = passage("1", "swarms fly", [-1.0, 0.0], section="Methods")
    store.write_documents([new], DuplicatePolicy.OVERWRITE)
    await check(["5", "3", "1"])
    assert store.embedding_ranking([1.0, 0.0]).sections["1"] == "Methods"


async def test_a_ranking_notices_what_another_process_writes(tmp_path: Path) -> None:
    path = tmp_path / "passages.db"
    store = SQLiteDocumentStore(path)
    store.write_documents(PASSAGES)
    assert nearest(store) == ["1", "2", "3"]
    script = f"""
from haystack import Document as HaystackDocument
from tunedd_api.backends.sqlite.store import SQLiteDocumentStore
store = SQLiteDocumentStore({str(path)!r})
store.delete_documents(["1"])
meta = {{"section": "References"}}
store.write_documents([HaystackDocument(id="other", content="agents", embedding=[9.0, 0.1], meta=meta)])
store.close()
"""
    await anyio.run_process([sys.executable, "-c", script], cwd=Path(__file__).parents[4])
    by_meaning = await store.embedding_ranking_async([1.0, 0.0])
    by_words = await store.bm25_ranking_async("agents")
    assert list(by_meaning.scores) == ["other", "2", "3"]
    assert set(by_words.scores) == {"other", "2", "4"}
    assert by_words.sections["other"] == "References"
    assert list(await by_words.fetch(["other"])) == ["other"]
    store.close()


async def test_a_pipeline_hands_a_ranking_on_as_it_is(store: SQLiteDocumentStore) -> None:
    pipeline = Pipeline()
    pipeline.add_component("dense", SQLiteEmbeddingRanking(store, top_k=2))
    pipeline.add_component("lexical", SQLiteBM25Ranking(store))
    data = {"dense": {"query_embedding": [1.0, 0.0]}, "lexical": {"query": "agents", "filters": OF_B}}
    for found in (pipeline.run(data), await pipeline.run_async(data)):
        assert list(found["dense"]["ranking"].scores) == ["1", "2"]
        assert list(found["lexical"]["ranking"].scores) == ["2"]
    ranking = store.embedding_ranking([1.0, 0.0])
    assert copy.deepcopy(ranking) is ranking
