"""The collections of Weaviate: made once by many, told apart, named by an alias, thrown away."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest
from weaviate import WeaviateAsyncClient

from tests.passages import hashes, passage
from tunedd_api.backends.passages import (
    discard_other_passages,
    discard_passages,
    open_passages,
    serve_passages,
)
from tunedd_api.backends.stores import PassageStore
from tunedd_api.backends.weaviate.address import Address, parse
from tunedd_api.backends.weaviate.client import connected
from tunedd_api.backends.weaviate.definition import definition
from tunedd_api.errors import SetupError

HOME = Path()
OTHER = "index-0123abcd"


@pytest.fixture
def address(weaviate_url: str) -> Address:
    return parse(weaviate_url)


@pytest.fixture
async def client(address: Address) -> AsyncIterator[WeaviateAsyncClient]:
    async with connected(address, None) as client:
        yield client


async def names(client: WeaviateAsyncClient, address: Address) -> set[str]:
    there = await client.collections.list_all(simple=True)
    return {one.removeprefix(address.name) for one in there if one.startswith(address.name)}


async def named(client: WeaviateAsyncClient, address: Address) -> str | None:
    alias = await client.alias.get(alias_name=address.name)
    return alias.collection.removeprefix(address.name) if alias else None


async def opened(stack: AsyncExitStack, url: str, place: str = "") -> PassageStore:
    return await stack.enter_async_context(open_passages(url, HOME, dimension=hashes.dimension, place=place))


async def test_many_may_make_it_at_once(
    weaviate_url: str, client: WeaviateAsyncClient, address: Address
) -> None:
    async with AsyncExitStack() as stack:

        async def work(number: int) -> None:
            passages = await opened(stack, weaviate_url)
            await passages.store.write_documents_async([passage(f"d{number}", "text")])

        async with anyio.create_task_group() as tasks:
            for number in range(6):
                tasks.start_soon(work, number)
        passages = await opened(stack, weaviate_url)
        assert await passages.store.count_by_document_async() == {f"d{number}": 1 for number in range(6)}
    assert await names(client, address) == {"_index"}


async def test_indexes_lie_side_by_side_and_the_alias_names_the_one_that_serves(
    weaviate_url: str, client: WeaviateAsyncClient, address: Address
) -> None:
    async with AsyncExitStack() as stack:
        old, new = await opened(stack, weaviate_url), await opened(stack, weaviate_url, OTHER)
        await serve_passages(weaviate_url, "")
        await old.store.write_documents_async([passage("a", "text")])
        assert await new.store.count_documents_async() == 0
        assert await named(client, address) == "_index"
        for _ in range(2):
            await serve_passages(weaviate_url, OTHER)
            assert await named(client, address) == "_index_0123abcd"
        await old.close()
        await discard_passages(weaviate_url, HOME, "")
        assert await names(client, address) == {"_index_0123abcd"}


async def test_what_no_index_needs_is_thrown_away_and_nothing_else(
    weaviate_url: str, client: WeaviateAsyncClient, address: Address
) -> None:
    others = [f"{address.name}_own", f"{address.name}_index_other", f"{address.name}2_index"]
    async with AsyncExitStack() as stack:
        for place in ("", OTHER, "index-ffffffff"):
            await opened(stack, weaviate_url, place)
        for name in others:
            await client.collections.create_from_dict({"class": name, "vectorizer": "none"})
        try:
            await discard_other_passages(weaviate_url, HOME, [OTHER])
            assert await names(client, address) == {"_index_0123abcd", "_own", "_index_other", "2_index"}
        finally:
            for name in others:
                await client.collections.delete(name)


async def test_the_alias_goes_with_what_it_names(
    weaviate_url: str, client: WeaviateAsyncClient, address: Address
) -> None:
    async with AsyncExitStack() as stack:
        await opened(stack, weaviate_url)
        await opened(stack, weaviate_url, OTHER)
    await serve_passages(weaviate_url, "")
    await discard_passages(weaviate_url, HOME, OTHER)
    await discard_other_passages(weaviate_url, HOME, [""])
    assert await named(client, address) == "_index"
    await discard_passages(weaviate_url, HOME, "")
    assert await named(client, address) is None
    async with open_passages(weaviate_url, HOME, dimension=hashes.dimension):
        await serve_passages(weaviate_url, "")
        assert await named(client, address) == "_index"
    await discard_other_passages(weaviate_url, HOME, [])
    assert await named(client, address) is None
    # Of that name other collections can be made again.
    await client.collections.create_from_dict({"class": address.name, "vectorizer": "none"})
    await client.collections.delete(address.name)


@pytest.mark.parametrize("place", ["", OTHER])
async def test_an_alias_whose_collection_is_gone_does_not_keep_a_service_from_starting(
    weaviate_url: str, client: WeaviateAsyncClient, address: Address, place: str
) -> None:
    async with open_passages(weaviate_url, HOME, dimension=hashes.dimension):
        await serve_passages(weaviate_url, "")
    await client.collections.delete(address.collection(""))
    assert await named(client, address) == "_index"
    await discard_other_passages(weaviate_url, HOME, [place])
    async with open_passages(weaviate_url, HOME, dimension=hashes.dimension, place=place) as passages:
        await serve_passages(weaviate_url, place)
        assert await named(client, address) == address.collection(place).removeprefix(address.name)
        await passages.store.write_documents_async([passage("a", "text")])
        assert await passages.store.count_by_document_async() == {"a": 1}


async def test_an_alias_of_others_is_left_alone(
    weaviate_url: str, client: WeaviateAsyncClient, address: Address
) -> None:
    own = f"{address.name}_own"
    await client.collections.create_from_dict({"class": own, "vectorizer": "none"})
    await client.alias.create(alias_name=address.name, target_collection=own)
    try:
        await discard_other_passages(weaviate_url, HOME, [])
        assert await named(client, address) == "_own"
    finally:
        await client.alias.delete(alias_name=address.name)
        await client.collections.delete(own)


async def test_two_processes_may_point_the_alias_at_once(
    weaviate_url: str, client: WeaviateAsyncClient, address: Address
) -> None:
    async with AsyncExitStack() as stack:
        await opened(stack, weaviate_url)
        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(serve_passages, weaviate_url, "")
    assert await named(client, address) == "_index"


def another(address: Address, **changes: Any) -> dict[str, Any]:
    return {**definition(address.collection(""), hashes.dimension), **changes}


@pytest.mark.parametrize("change", ["properties", "description"])
async def test_a_collection_of_another_kind_is_refused(
    weaviate_url: str, client: WeaviateAsyncClient, address: Address, change: str
) -> None:
    by_words = [{"name": "document_id", "dataType": ["text"], "tokenization": "word"}]
    changes = {"properties": by_words, "description": "something else"}
    await client.collections.create_from_dict(another(address, **{change: changes[change]}))
    with pytest.raises(SetupError, match="collection=ANOTHER_NAME"):
        async with open_passages(weaviate_url, HOME, dimension=hashes.dimension):
            pass


async def test_a_collection_with_the_name_of_the_alias_is_told_of(
    weaviate_url: str, client: WeaviateAsyncClient, address: Address
) -> None:
    await client.collections.create_from_dict({"class": address.name, "vectorizer": "none"})
    try:
        async with open_passages(weaviate_url, HOME, dimension=hashes.dimension):
            with pytest.raises(SetupError, match="cannot stand for the index"):
                await serve_passages(weaviate_url, "")
    finally:
        await client.collections.delete(address.name)


async def test_what_a_late_write_left_of_a_deleted_index_is_made_anew(
    weaviate_url: str, client: WeaviateAsyncClient, address: Address
) -> None:
    async with open_passages(weaviate_url, HOME, dimension=hashes.dimension) as passages:
        await discard_passages(weaviate_url, HOME, "")
        # Another process did that, and this one goes on writing: Weaviate makes a collection of its own kind.
        await passages.store.write_documents_async([passage("late", "text")])
    assert await names(client, address) == {"_index"}
    async with open_passages(weaviate_url, HOME, dimension=hashes.dimension) as passages:
        assert await passages.store.count_documents_async() == 0
        await passages.store.write_documents_async(
            [passage("2009.pdf", "text"), passage("2009b.pdf", "text")]
        )
        assert await passages.store.count_by_document_async() == {"2009.pdf": 1, "2009b.pdf": 1}
