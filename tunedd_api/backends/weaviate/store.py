"""A Haystack document store in Weaviate, asynchronous alone: our definition, exact filters and counts."""

from collections.abc import Sequence
from typing import Any, NoReturn
from uuid import UUID

from haystack import Document as HaystackDocument
from haystack import default_to_dict
from haystack.document_stores.errors import DocumentStoreError, DuplicateDocumentError
from haystack.document_stores.types import DuplicatePolicy
from haystack.utils.filters import document_matches_filter
from haystack_integrations.document_stores.weaviate import WeaviateDocumentStore
from pydantic import SecretStr
from weaviate import WeaviateAsyncClient
from weaviate.classes.aggregate import GroupByAggregate
from weaviate.classes.query import Filter
from weaviate.exceptions import WeaviateInsertManyAllFailedError

from tunedd_api.backends.stores import Filters
from tunedd_api.backends.weaviate.address import parse
from tunedd_api.backends.weaviate.client import WRITE
from tunedd_api.backends.weaviate.connection import Connection, Passages
from tunedd_api.backends.weaviate.definition import FIELDS, ID
from tunedd_api.backends.weaviate.exact import compiled, unguarded
from tunedd_api.backends.weaviate.rows import to_object, to_passage, uuid_of
from tunedd_api.errors import StoreUnavailable

PAGE = 500
"""Passages that are read at a time, with their vectors two megabytes."""
MOST_BY_FILTER = 10_000
"""Weaviate pages through no more hits of a filter than these."""
WRITTEN_AT_ONCE = 200
MOST_GROUPS = 1_000_000
"""Documents that can be counted apart."""
PROPERTIES = [ID, "content", *FIELDS]
FAULTY = ("invalid ", "vector dimensions")
"""In what the server says of a passage that it will never take."""


class WeaviatePassages(WeaviateDocumentStore):
    """Its passages belong to documents: their meta holds the fields of `definition`, and no others."""

    def __init__(
        self, url: str, *, dimension: int, place: str = "", api_key: SecretStr | None = None
    ) -> None:
        """Connects with its first use, not before. Raises WrongWeaviateUrl."""
        self._parameters = {"url": url, "dimension": dimension, "place": place}
        self.connection = Connection(parse(url), place=place, dimension=dimension, api_key=api_key)
        super().__init__(collection_settings={"class": self.connection.collection})

    def to_dict(self) -> dict[str, Any]:
        """Without the key."""
        return default_to_dict(self, **self._parameters)

    @property
    def client(self) -> NoReturn:
        raise RuntimeError("This store has asynchronous methods only, those whose names end in _async")

    @property
    async def async_client(self) -> WeaviateAsyncClient:
        return await self.connection.client()

    @property
    async def async_collection(self) -> Passages:
        return (await self.connection.client()).collections.use(self.connection.collection)

    async def close_async(self) -> None:
        await self.connection.close()

    async def count_documents_async(self) -> int:
        return await self.count_documents_by_filter_async({})

    async def count_documents_by_filter_async(self, filters: Filters) -> int:
        where = compiled(filters)
        if where is not None:
            # `!=` was seen to count what had just been deleted; every passage is of some document.
            where &= Filter.by_property("document_id").is_none(False)
        async with self.connection.passages() as passages:
            counted = await passages.aggregate.over_all(filters=where, total_count=True)
        return counted.total_count or 0

    async def count_by_document_async(self) -> dict[str, int]:
        """Number of passages by `meta.document_id`."""
        by_document = GroupByAggregate(prop="document_id", limit=MOST_GROUPS)
        async with self.connection.passages() as passages:
            counted = await passages.aggregate.over_all(group_by=by_document, total_count=True)
        return {unguarded(str(one.grouped_by.value)): one.total_count or 0 for one in counted.groups}

    async def sample_documents_async(self, count: int) -> list[HaystackDocument]:
        """Some passages, with their vectors: those that follow on evenly spread ids, which are hashes."""
        found: dict[UUID, Any] = {}
        async with self.connection.passages() as passages:
            for number in range(count):
                after = UUID(int=number * (2**128 // count))
                for one in await self._after(passages, after, limit=1):
                    found[one.uuid] = one
            if len(found) < count:
                # There are so few that some ids have the same one behind them, or none.
                found |= {one.uuid: one for one in await self._after(passages, None, limit=count)}
        return [to_passage(one) for one in list(found.values())[:count]]

    async def filter_documents_async(self, filters: Filters | None = None) -> list[HaystackDocument]:
        """However many there are."""
        where = compiled(filters)
        if where is None:
            return await self._all()
        if await self.count_documents_by_filter_async(filters or {}) > MOST_BY_FILTER:
            return [one for one in await self._all() if document_matches_filter(filters or {}, one)]
        found: dict[UUID, HaystackDocument] = {}
        for offset in range(0, MOST_BY_FILTER, PAGE):
            async with self.connection.passages() as passages:
                page = await passages.query.fetch_objects(
                    filters=where,
                    limit=PAGE,
                    offset=offset,
                    include_vector=True,
                    return_properties=PROPERTIES,
                )
            found |= {one.uuid: to_passage(one) for one in page.objects}
            if len(page.objects) < PAGE:
                break
        return list(found.values())

    async def write_documents_async(
        self, documents: list[HaystackDocument], policy: DuplicatePolicy = DuplicatePolicy.NONE
    ) -> int:
        """Without a policy, what is there is overwritten. Raises DocumentStoreError, StoreUnavailable."""
        if not isinstance(documents, list) or not all(isinstance(one, HaystackDocument) for one in documents):
            raise ValueError("write_documents_async takes a list of Haystack documents")
        new = {one.id: one for one in documents}
        if policy in (DuplicatePolicy.SKIP, DuplicatePolicy.FAIL):
            known = await self._known(list(new))
            if known and policy is DuplicatePolicy.FAIL:
                raise DuplicateDocumentError(f"IDs {', '.join(sorted(known))} already exist.")
            new = {id: one for id, one in new.items() if id not in known}
        objects = [to_object(one) for one in new.values()]
        for start in range(0, len(objects), WRITTEN_AT_ONCE):
            await self._write_objects(objects[start : start + WRITTEN_AT_ONCE])
        return len(documents) if policy is DuplicatePolicy.OVERWRITE else len(new)

    async def delete_documents_async(self, document_ids: list[str]) -> None:
        uuids = [uuid_of(one) for one in document_ids]
        async with self.connection.passages(WRITE) as passages:
            for start in range(0, len(uuids), PAGE):
                chosen = Filter.by_id().contains_any([str(one) for one in uuids[start : start + PAGE]])
                await passages.data.delete_many(where=chosen)

    async def delete_by_filter_async(self, filters: Filters) -> int:
        """Without a condition, all."""
        where = compiled(filters) or Filter.by_property(ID).like("*")
        deleted = 0
        async with self.connection.passages(WRITE) as passages:
            # The server deletes as many at a time as it pages through.
            while (done := await passages.data.delete_many(where=where)).matches:
                if done.failed:
                    raise StoreUnavailable(
                        f"Weaviate did not delete {done.failed} of {done.matches} passages."
                    )
                deleted += done.successful
        return deleted

    async def delete_all_documents_async(self, **_: Any) -> None:
        await self.delete_by_filter_async({})

    async def by_uuid_async(self, uuids: Sequence[UUID]) -> list[HaystackDocument]:
        """Those that are there."""
        async with self.connection.passages() as passages:
            found = await passages.query.fetch_objects_by_ids(
                uuids, limit=len(uuids), include_vector=True, return_properties=PROPERTIES
            )
        return [to_passage(one) for one in found.objects]

    async def _known(self, ids: Sequence[str]) -> set[str]:
        return {one.id for one in await self.by_uuid_async([uuid_of(id) for id in ids])} if ids else set()

    async def _write_objects(self, objects: list[Any]) -> None:
        async with self.connection.passages(WRITE) as passages:
            try:
                written = await passages.data.insert_many(objects)
                reasons = [one.message for one in written.errors.values()]
            except WeaviateInsertManyAllFailedError as error:
                reasons = [error.message] * len(objects)
            if reasons:
                said = f"Weaviate refused {len(reasons)} of {len(objects)} passages: {reasons[0][:300]}"
                faulty = any(one in reasons[0] for one in FAULTY)
                raise (DocumentStoreError if faulty else StoreUnavailable)(said)

    async def _all(self) -> list[HaystackDocument]:
        """Page by page, each after the last id of the one before: nothing limits that."""
        found: list[HaystackDocument] = []
        last: UUID | None = None
        while True:
            async with self.connection.passages() as passages:
                page = await self._after(passages, last, limit=PAGE)
            found += map(to_passage, page)
            if len(page) < PAGE:
                return found
            last = page[-1].uuid

    async def _after(self, passages: Passages, last: UUID | None, *, limit: int) -> list[Any]:
        page = await passages.query.fetch_objects(
            after=last, limit=limit, include_vector=True, return_properties=PROPERTIES
        )
        return page.objects
