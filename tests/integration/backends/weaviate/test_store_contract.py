"""The Weaviate store against those of Haystack's tests that do not need fields a passage has not."""

from collections.abc import AsyncIterator

import pytest
from haystack import Document as HaystackDocument
from haystack import Pipeline
from haystack.testing.document_store_async import (
    CountDocumentsAsyncTest,
    DeleteAllAsyncTest,
    DeleteDocumentsAsyncTest,
    WriteDocumentsAsyncTest,
)
from haystack_integrations.components.retrievers.weaviate import WeaviateHybridRetriever

from tests.passages import hashes, passage
from tunedd_api.backends.weaviate.store import WeaviatePassages


@pytest.fixture
async def document_store(weaviate_url: str) -> AsyncIterator[WeaviatePassages]:
    store = WeaviatePassages(weaviate_url, dimension=hashes.dimension)
    yield store
    await store.close_async()


# Haystack's asynchronous tests are static methods, which anyio does not take up by itself.
@pytest.mark.usefixtures("anyio_backend")
class TestAsyncContract(
    CountDocumentsAsyncTest, DeleteAllAsyncTest, DeleteDocumentsAsyncTest, WriteDocumentsAsyncTest
):
    @staticmethod
    def assert_documents_are_equal(
        received: list[HaystackDocument], expected: list[HaystackDocument]
    ) -> None:
        assert [(one.id, one.content) for one in received] == [(one.id, one.content) for one in expected]

    async def test_write_documents_async(self, document_store: WeaviatePassages) -> None:
        one = HaystackDocument(content="test doc")
        assert await document_store.write_documents_async([one]) == 1
        assert await document_store.write_documents_async([one]) == 1
        assert await document_store.count_documents_async() == 1


async def test_the_retrievers_of_weaviate_haystack_work_on_it(document_store: WeaviatePassages) -> None:
    await document_store.write_documents_async([passage("2009", "bees dance"), passage("b", "wasps build")])
    pipeline = Pipeline()
    pipeline.add_component("hybrid", WeaviateHybridRetriever(document_store=document_store))
    asked = {"query": "bees dance", "query_embedding": hashes.vector("bees dance"), "top_k": 1}
    found = (await pipeline.run_async({"hybrid": asked}))["hybrid"]["documents"]
    assert [(one.meta["document_id"], one.meta["page"]) for one in found] == [("2009", 1)]


def test_it_has_no_blocking_methods(weaviate_url: str) -> None:
    with pytest.raises(RuntimeError, match="_async"):
        WeaviatePassages(weaviate_url, dimension=3).count_documents()


def test_it_can_be_written_down_and_read_again() -> None:
    store = WeaviatePassages("weaviate://host?collection=Papers", dimension=3, place="index-0123abcd")
    again = WeaviatePassages.from_dict(store.to_dict())
    assert again.to_dict() == store.to_dict()
