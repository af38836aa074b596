"""Weaviate that is down, goes down, hangs, or does not let us in: each is said in a sentence, in time."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from haystack.document_stores.errors import DocumentStoreError
from haystack.document_stores.types import DuplicatePolicy
from pydantic import SecretStr

from tests.passages import hashes, passage, selected
from tests.servers.finding import free_port
from tests.servers.proxy import Proxy
from tests.servers.standin import Reply, standing_in
from tests.servers.weaviate import KEY, weaviate_with_key
from tunedd_api.backends.passages import discard_other_passages, open_passages, serve_passages
from tunedd_api.backends.stores import PassageStore
from tunedd_api.backends.weaviate.address import parse
from tunedd_api.backends.weaviate.client import connected
from tunedd_api.errors import SetupError, StoreUnavailable

HOME = Path()
DIMENSION = hashes.dimension
Use = Callable[[PassageStore], Awaitable[Any]]


async def search(passages: PassageStore) -> Any:
    retriever: Any = passages.searches["hybrid"]
    return (await retriever.run_async(query="bees", query_embedding=hashes.vector("bees")))["ranking"].scores


async def write(passages: PassageStore) -> Any:
    return await passages.store.write_documents_async([passage("b", "bees")], DuplicatePolicy.OVERWRITE)


USES: dict[str, Use] = {
    "search": search,
    "write": write,
    "count": lambda passages: passages.store.count_by_document_async(),
    "count some": lambda passages: passages.store.count_documents_by_filter_async(selected(stamp="s")),
    "read": lambda passages: passages.store.filter_documents_async(selected(stamp="s")),
    "read all": lambda passages: passages.store.filter_documents_async(),
    "sample": lambda passages: passages.store.sample_documents_async(3),
    "remove": lambda passages: passages.store.delete_by_filter_async(selected(stamp="none")),
    "check": lambda passages: passages.check(),
}


@dataclass(frozen=True)
class Line:
    """A server behind a line for each of its two protocols, which can be cut."""

    http: Proxy
    grpc: Proxy
    url: str

    def kill(self) -> None:
        self.http.kill()
        self.grpc.kill()

    async def revive(self) -> None:
        await self.http.accept()
        await self.grpc.accept()


@pytest.fixture
async def line(weaviate_url: str) -> AsyncIterator[Line]:
    address = parse(weaviate_url)
    async with (
        aclosing(Proxy(address.host, address.port)) as http,
        aclosing(Proxy(address.grpc_host, address.grpc_port)) as grpc,
    ):
        await http.accept()
        await grpc.accept()
        url = f"weaviate://127.0.0.1:{http.port}?grpc={grpc.port}&collection={address.name}"
        yield Line(http, grpc, url)


@pytest.mark.parametrize("use", USES)
async def test_a_server_that_goes_down_in_the_middle_is_told_of_at_once(line: Line, use: str) -> None:
    async with open_passages(line.url, HOME, dimension=DIMENSION) as passages:
        await write(passages)
        await USES[use](passages)
        line.kill()
        # By itself the client would try for 63 seconds.
        with anyio.fail_after(10), pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:\d+ \((gRPC|HTTP)\)"):
            await USES[use](passages)
        await line.revive()
        with anyio.fail_after(10):
            await eventually(lambda: USES[use](passages))
        assert await passages.store.count_by_document_async() == {"b": 1}


async def eventually(work: Callable[[], Awaitable[Any]]) -> None:
    """A connection that was refused is tried again after a moment."""
    while True:
        try:
            await work()
            return
        except StoreUnavailable:
            await anyio.sleep(0.1)


async def test_a_server_that_is_down_at_the_start_is_waited_for(line: Line) -> None:
    line.kill()
    async with open_passages(line.url, HOME, dimension=DIMENSION) as passages:
        with pytest.raises(StoreUnavailable, match=rf"127\.0\.0\.1:{line.http.port} \(HTTP\)"):
            await search(passages)
        await line.revive()
        await write(passages)
        assert len(await search(passages)) == 1


async def test_it_is_said_which_port_is_wrong(line: Line, weaviate_url: str) -> None:
    closed = free_port()
    wrong = f"weaviate://127.0.0.1:{line.http.port}?grpc={closed}&collection={parse(weaviate_url).name}"
    async with open_passages(wrong, HOME, dimension=DIMENSION) as passages:
        with pytest.raises(StoreUnavailable, match=rf"127\.0\.0\.1:{closed} \(gRPC\)"):
            await passages.check()
    async with open_passages(f"weaviate://127.0.0.1:{closed}", HOME, dimension=DIMENSION) as passages:
        with pytest.raises(StoreUnavailable, match=rf"127\.0\.0\.1:{closed} \(HTTP\)"):
            await passages.check()


async def test_a_server_that_hangs_is_not_waited_for_long(line: Line) -> None:
    line.http.drop()
    line.grpc.drop()
    with anyio.fail_after(8):
        async with open_passages(line.url, HOME, dimension=DIMENSION) as passages:
            with pytest.raises(StoreUnavailable, match="did not answer within 3 seconds"):
                await passages.check()


async def test_two_uses_at_once_connect_once(line: Line) -> None:
    line.kill()
    async with open_passages(line.url, HOME, dimension=DIMENSION) as passages:
        await line.revive()
        before = line.grpc.accepted
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(passages.check)
        assert line.grpc.accepted - before == 1


async def test_another_program_that_takes_the_port_over_is_told_of(line: Line) -> None:
    async with open_passages(line.url, HOME, dimension=DIMENSION) as passages:
        await passages.check()
        line.http.kill()
        for page in (Reply(pieces=[b"<html>Back soon.</html>"], kind="text/html"), Reply.json({"name": "x"})):
            async with standing_in({"/v1/meta": page}, port=line.http.port):
                with pytest.raises(StoreUnavailable, match=rf"127\.0\.0\.1:{line.http.port} is not Weaviate"):
                    await passages.check()
        await line.http.accept()
        await eventually(passages.check)


@pytest.mark.parametrize("use", [use for use in USES if use != "write"])
async def test_a_collection_that_is_lost_is_made_anew(weaviate_url: str, use: str) -> None:
    address = parse(weaviate_url)
    async with (
        open_passages(weaviate_url, HOME, dimension=DIMENSION) as passages,
        connected(address, None) as client,
    ):
        await write(passages)
        await client.collections.delete(address.collection(""))
        with pytest.raises(StoreUnavailable, match="lost its collection"):
            await USES[use](passages)
        await USES[use](passages)
        assert await passages.store.count_by_document_async() == {}
        await write(passages)
        assert len(await search(passages)) == 1


async def test_tidying_waits_for_the_next_start_while_the_server_is_away(line: Line) -> None:
    line.kill()
    await serve_passages(line.url, "")
    await discard_other_passages(line.url, HOME, [])


async def test_one_passage_that_the_server_refuses_is_told_of_and_the_others_are_stored(
    weaviate_url: str,
) -> None:
    async with open_passages(weaviate_url, HOME, dimension=DIMENSION) as passages:
        await write(passages)
        bad = replace(passage("bad", "text"), embedding=[1.0, 2.0])
        good = [passage(f"good {n}", "text") for n in range(5)]
        with pytest.raises(DocumentStoreError, match="refused 1 of 6 passages: .*vector"):
            await passages.store.write_documents_async([*good[:2], bad, *good[2:]])
        assert set(await passages.store.count_by_document_async()) >= {f"good {n}" for n in range(5)}
        with pytest.raises(DocumentStoreError, match="refused 1 of 1 passages: .*vector"):
            await passages.store.write_documents_async([bad])


async def test_what_has_no_place_in_a_passage_is_refused(weaviate_url: str) -> None:
    async with open_passages(weaviate_url, HOME, dimension=DIMENSION) as passages:
        with pytest.raises(ValueError, match="have no colour"):
            await passages.store.write_documents_async([passage("a", "text", colour="red")])
        assert await passages.store.count_documents_async() == 0


@pytest.fixture(scope="module")
def guarded_url() -> Iterator[str]:
    """A server that wants a key."""
    with weaviate_with_key() as url:
        yield url


@pytest.mark.parametrize("key", [None, "another"])
async def test_a_wrong_key_names_its_setting(guarded_url: str, key: str | None) -> None:
    with pytest.raises(SetupError, match="TUNEDD_WEAVIATE_API_KEY") as refused:
        async with open_passages(
            guarded_url, HOME, dimension=DIMENSION, api_key=SecretStr(key) if key else None
        ):
            pass
    assert "another" not in str(refused.value)


async def test_what_cannot_be_written_for_its_collection_is_lost_is_written_anew(guarded_url: str) -> None:
    address, key = parse(guarded_url), SecretStr(KEY)
    async with (
        open_passages(guarded_url, HOME, dimension=DIMENSION, api_key=key) as passages,
        connected(address, key) as client,
    ):
        await client.collections.delete(address.collection(""))
        with pytest.raises(StoreUnavailable, match="refused 1 of 1 passages: .*not present in schema"):
            await write(passages)
        await write(passages)
        assert await passages.store.count_by_document_async() == {"b": 1}
        await client.collections.delete(address.collection(""))


async def test_the_right_key_opens(guarded_url: str) -> None:
    async with open_passages(guarded_url, HOME, dimension=DIMENSION, api_key=SecretStr(KEY)) as passages:
        await write(passages)
        assert len(await search(passages)) == 1
