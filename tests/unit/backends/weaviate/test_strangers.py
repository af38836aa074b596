"""What answers in Weaviate's place: a proxy's page, another program, nobody. None of it is a bug."""

from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from weaviate.exceptions import (
    WeaviateClosedClientError,
    WeaviateInvalidInputError,
    WeaviateQueryError,
    WeaviateStartUpError,
)

from tests.servers.finding import free_port
from tests.servers.standin import HANG, Reply, StandIn, standing_in
from tunedd_api.backends.passages import open_passages, serve_passages
from tunedd_api.backends.weaviate.address import Address, parse
from tunedd_api.backends.weaviate.connection import Connection
from tunedd_api.backends.weaviate.failures import explained
from tunedd_api.errors import StoreUnavailable

PAGE = Reply(pieces=[b"<html>We are back soon.</html>"], kind="text/html")
META = "/v1/meta"
WEAVIATE = Reply.json({"version": "1.39.0"})


def url_of(stand_in: StandIn) -> str:
    return f"weaviate://127.0.0.1:{stand_in.port}?grpc={free_port()}"


@pytest.mark.parametrize(
    "reply",
    [
        PAGE,
        Reply(pieces=[b"\xff\xfe"]),
        Reply(),
        Reply.json({"name": "another program"}),
        Reply.json({"version": 3}),
        Reply.json({"version": "soon"}),
        Reply.json(["1.39.0"]),
        Reply.json(None),
        Reply.json({"error": "no such page"}, 404),
        Reply(pieces=[b"<html>Elsewhere.</html>"], status=302, kind="text/html"),
    ],
)
async def test_another_program_at_its_port_is_told_of_and_the_service_starts(reply: Reply) -> None:
    async with standing_in({META: reply}) as stand_in:
        said = f"What answers at 127.0.0.1:{stand_in.port} is not Weaviate. .*TUNEDD_PASSAGES_URL"
        async with open_passages(url_of(stand_in), Path(), dimension=3) as passages:
            with pytest.raises(StoreUnavailable, match=said):
                await passages.check()
        await serve_passages(url_of(stand_in), "")


@pytest.mark.parametrize("reply", [PAGE, Reply.json([]), Reply.json({"class": "Passages_index"})])
async def test_one_that_only_says_its_version_as_weaviate_does_is_told_of(reply: Reply) -> None:
    async with standing_in({META: WEAVIATE, "/v1/schema/Passages_index": reply}) as stand_in:
        connection = Connection(parse(url_of(stand_in)), place="", dimension=3, api_key=None)
        with pytest.raises(StoreUnavailable, match="is not Weaviate"):
            await connection.check()


async def test_a_weaviate_that_is_too_old_is_not_said_to_be_away() -> None:
    async with standing_in({META: Reply.json({"version": "1.20.0"})}) as stand_in:
        connection = Connection(parse(url_of(stand_in)), place="", dimension=3, api_key=None)
        with pytest.raises(StoreUnavailable, match=r"cannot be used: Weaviate version 1\.20\.0"):
            await connection.check()


@pytest.fixture
def address() -> Address:
    return parse("weaviate://host")


@pytest.mark.parametrize(
    "error", [WeaviateClosedClientError(), WeaviateStartUpError("old"), WeaviateQueryError("no", "gRPC")]
)
async def test_whatever_weaviates_client_raises_is_about_the_store(
    address: Address, error: Exception
) -> None:
    with pytest.raises(StoreUnavailable, match="host:8080"), explained(address, 1):
        raise error


@pytest.mark.parametrize("error", [KeyError("meta"), ValueError("x"), WeaviateInvalidInputError("a list")])
async def test_a_mistake_of_our_own_stays_one(address: Address, error: Exception) -> None:
    with pytest.raises(type(error)), explained(address, 1):
        raise error


async def waiting(connection: Connection, errors: list[Any]) -> None:
    try:
        await connection.client()
    except StoreUnavailable as error:
        errors.append(error)


async def until_asked(stand_in: StandIn, times: int) -> None:
    with anyio.fail_after(5):
        while len(stand_in.seen) < times:
            await anyio.sleep(0.01)


async def test_those_who_wait_for_an_attempt_share_its_failure() -> None:
    async with standing_in({META: Reply(pieces=[HANG])}) as stand_in:
        connection = Connection(parse(url_of(stand_in)), place="", dimension=3, api_key=None)
        errors: list[Any] = []
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(waiting, connection, errors)
            await until_asked(stand_in, 1)
            stand_in.break_all()
        assert len(stand_in.seen) == 1
        assert len({id(error) for error in errors}) == 5
        assert {error.message for error in errors} == {errors[0].message}
        async with anyio.create_task_group() as tasks:
            # Who comes later tries for himself.
            tasks.start_soon(waiting, connection, errors)
            await until_asked(stand_in, 2)
            stand_in.break_all()
        assert len(errors) == 6


async def test_an_attempt_that_was_given_up_is_taken_over_by_the_next_who_waits() -> None:
    async with standing_in({META: Reply(pieces=[HANG])}) as stand_in:
        connection = Connection(parse(url_of(stand_in)), place="", dimension=3, api_key=None)
        errors: list[Any] = []
        given_up = anyio.CancelScope()

        async def first() -> None:
            with given_up:
                await waiting(connection, errors)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first)
            await until_asked(stand_in, 1)
            tasks.start_soon(waiting, connection, errors)
            await anyio.lowlevel.checkpoint()
            given_up.cancel()
            await until_asked(stand_in, 2)
            stand_in.break_all()
        assert len(errors) == 1
