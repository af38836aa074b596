from collections.abc import Iterator
from pathlib import Path

import pytest
from haystack import Document as HaystackDocument
from haystack import Pipeline

from tunedd_api.backends.sqlite.retrievers import SQLiteBM25Retriever, SQLiteEmbeddingRetriever
from tunedd_api.backends.sqlite.store import SQLiteDocumentStore

OF_B = {"field": "meta.document_id", "operator": "in", "value": ["b"]}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteDocumentStore]:
    store = SQLiteDocumentStore(tmp_path / "passages.db")
    store.write_documents(
        [
            HaystackDocument(id="1", content="agents", embedding=[1.0, 0.0], meta={"document_id": "a"}),
            HaystackDocument(id="2", content="agents", embedding=[0.9, 0.1], meta={"document_id": "b"}),
            HaystackDocument(id="3", content="swarms", embedding=[0.0, 1.0], meta={"document_id": "b"}),
        ]
    )
    yield store
    store.close()


async def test_by_meaning(store: SQLiteDocumentStore) -> None:
    retriever = SQLiteEmbeddingRetriever(store, top_k=2)
    assert [one.id for one in retriever.run([1.0, 0.0])["documents"]] == ["1", "2"]
    chosen = await retriever.run_async([1.0, 0.0], filters=OF_B, top_k=1)
    assert [one.id for one in chosen["documents"]] == ["2"]


async def test_by_words(store: SQLiteDocumentStore) -> None:
    retriever = SQLiteBM25Retriever(store)
    assert [one.id for one in retriever.run("agents")["documents"]] == ["1", "2"]
    assert [one.id for one in retriever.run("agents", top_k=1)["documents"]] == ["1"]
    chosen = await retriever.run_async("agents", filters=OF_B)
    assert [one.id for one in chosen["documents"]] == ["2"]


def test_a_pipeline_with_them_can_be_written_down_and_read_again(store: SQLiteDocumentStore) -> None:
    pipeline = Pipeline()
    pipeline.add_component("dense", SQLiteEmbeddingRetriever(store, top_k=1))
    pipeline.add_component("lexical", SQLiteBM25Retriever(store, top_k=1))
    read = Pipeline.loads(pipeline.dumps(), allowed_modules=["tunedd_api.backends.*"])
    found = read.run({"dense": {"query_embedding": [0.0, 1.0]}, "lexical": {"query": "swarm"}})
    assert [one.id for one in found["dense"]["documents"]] == ["3"]
    assert [one.id for one in found["lexical"]["documents"]] == ["3"]
    for _, retriever in read.walk():
        assert isinstance(retriever, SQLiteEmbeddingRetriever | SQLiteBM25Retriever)
        retriever.document_store.close()
