"""The SQLite store against the tests that Haystack gives to every document store."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from haystack import Document as HaystackDocument
from haystack.document_stores.errors import DuplicateDocumentError
from haystack.document_stores.types import DocumentStore, DuplicatePolicy
from haystack.testing.document_store import (
    CountDocumentsByFilterTest,
    DocumentStoreBaseExtendedTests,
)
from haystack.testing.document_store_async import (
    AsyncDocumentStore,
    CountDocumentsAsyncTest,
    CountDocumentsByFilterAsyncTest,
    DeleteAllAsyncTest,
    DeleteByFilterAsyncTest,
    DeleteDocumentsAsyncTest,
    FilterDocumentsAsyncTest,
    UpdateByFilterAsyncTest,
    WriteDocumentsAsyncTest,
)

from tunedd_api.backends.sqlite.store import SQLiteDocumentStore


@pytest.fixture(params=["file", "memory"])
def document_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SQLiteDocumentStore]:
    store = SQLiteDocumentStore(tmp_path / "passages.db" if request.param == "file" else ":memory:")
    yield store
    store.close()


class SinglePrecision:
    """Vectors are kept as 32-bit floats, so equal means equal to seven digits."""

    @staticmethod
    def assert_documents_are_equal(
        received: list[HaystackDocument], expected: list[HaystackDocument]
    ) -> None:
        assert [one.embedding for one in received] == [
            None if one.embedding is None else pytest.approx(one.embedding, rel=1e-6) for one in expected
        ]
        assert [replace(one, embedding=None) for one in received] == [
            replace(one, embedding=None) for one in expected
        ]


class TestContract(SinglePrecision, DocumentStoreBaseExtendedTests, CountDocumentsByFilterTest):
    @pytest.fixture
    def document_store(self, document_store: SQLiteDocumentStore) -> DocumentStore:
        return document_store

    def test_write_documents(self, document_store: DocumentStore) -> None:
        one = HaystackDocument(content="test doc")
        assert document_store.write_documents([one]) == 1
        with pytest.raises(DuplicateDocumentError):
            document_store.write_documents([one], policy=DuplicatePolicy.NONE)
        assert document_store.filter_documents() == [one]


# Haystack's asynchronous tests are static methods, which anyio does not take up by itself.
@pytest.mark.usefixtures("anyio_backend")
class TestAsyncContract(
    SinglePrecision,
    CountDocumentsAsyncTest,
    CountDocumentsByFilterAsyncTest,
    DeleteAllAsyncTest,
    DeleteByFilterAsyncTest,
    DeleteDocumentsAsyncTest,
    FilterDocumentsAsyncTest,
    UpdateByFilterAsyncTest,
    WriteDocumentsAsyncTest,
):
    async def test_write_documents_async(self, document_store: AsyncDocumentStore) -> None:
        one = HaystackDocument(content="test doc")
        assert await document_store.write_documents_async([one]) == 1
        with pytest.raises(DuplicateDocumentError):
            await document_store.write_documents_async([one], policy=DuplicatePolicy.NONE)
        assert await document_store.filter_documents_async() == [one]
