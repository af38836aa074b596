"""The proxy of the fault tests does what its switches say."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from tests.servers.proxy import Proxy, proxy_to, through

SOON = 5.0
LATER = 0.1


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionResetError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """In front of a server that says everything back."""
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    async with server, proxy_to("127.0.0.1", server.sockets[0].getsockname()[1]) as proxy:
        yield proxy


class _Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer

    async def ask(self, text: bytes) -> bytes:
        self.writer.write(text)
        return await asyncio.wait_for(self._reader.readexactly(len(text)), SOON)

    async def rest(self) -> bytes:
        return await asyncio.wait_for(self._reader.read(), SOON)


@pytest.fixture
async def client(proxy: Proxy) -> AsyncIterator[_Client]:
    client = await _connect(proxy)
    yield client
    client.writer.transport.abort()


async def _connect(proxy: Proxy) -> _Client:
    return _Client(*await asyncio.open_connection("127.0.0.1", proxy.port))


async def test_what_is_said_comes_back_whole(client: _Client) -> None:
    text = bytes(range(256)) * 4096
    assert await client.ask(text) == text


async def test_the_end_of_one_side_reaches_the_other(client: _Client) -> None:
    client.writer.write(b"last words")
    client.writer.write_eof()
    assert await client.rest() == b"last words"


async def test_latency_holds_both_ways(proxy: Proxy, client: _Client) -> None:
    proxy.latency = 0.1
    started = time.monotonic()
    await client.ask(b"hello")
    assert time.monotonic() - started >= 0.2


async def test_a_rate_slows_the_answer(proxy: Proxy, client: _Client) -> None:
    proxy.rate = 1000
    started = time.monotonic()
    assert await client.ask(b"x" * 300) == b"x" * 300
    assert time.monotonic() - started >= 0.2


async def test_nothing_gets_through_a_black_hole_until_it_ends(proxy: Proxy, client: _Client) -> None:
    proxy.drop()
    asking = asyncio.create_task(client.ask(b"hello"))
    _, waiting = await asyncio.wait([asking], timeout=LATER)
    assert waiting
    proxy.deliver()
    assert await asking == b"hello"


async def test_a_black_hole_takes_new_connections(proxy: Proxy) -> None:
    proxy.drop()
    client = await _connect(proxy)
    asking = asyncio.create_task(client.ask(b"hello"))
    _, waiting = await asyncio.wait([asking], timeout=LATER)
    assert waiting
    proxy.deliver()
    assert await asking == b"hello"
    client.writer.transport.abort()


async def test_a_cut_resets_what_there_is_and_lets_new_ones_in(proxy: Proxy, client: _Client) -> None:
    assert await client.ask(b"hello") == b"hello"
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        await client.rest()
    again = await _connect(proxy)
    assert await again.ask(b"hello") == b"hello"
    again.writer.transport.abort()


async def test_it_cuts_after_so_many_bytes(proxy: Proxy) -> None:
    proxy.cut_after = 5
    client = await _connect(proxy)
    assert await client.ask(b"hello") == b"hello"
    with pytest.raises(ConnectionResetError):
        await client.rest()


async def test_nothing_comes_of_the_rest(proxy: Proxy) -> None:
    proxy.cut_after = 3
    client = await _connect(proxy)
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await client.ask(b"hello")


async def test_refusing_leaves_what_there_is_and_ends(proxy: Proxy, client: _Client) -> None:
    assert await client.ask(b"one") == b"one"
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        await _connect(proxy)
    assert await client.ask(b"two") == b"two"
    await proxy.accept()
    again = await _connect(proxy)
    assert await again.ask(b"three") == b"three"
    again.writer.transport.abort()


async def test_a_killed_server_neither_answers_nor_accepts(proxy: Proxy, client: _Client) -> None:
    assert await client.ask(b"one") == b"one"
    proxy.kill()
    with pytest.raises(ConnectionResetError):
        await client.rest()
    with pytest.raises(ConnectionRefusedError):
        await _connect(proxy)


async def test_a_server_that_is_not_there_ends_the_connection(free_tcp_port: int) -> None:
    async with proxy_to("127.0.0.1", free_tcp_port) as proxy:
        client = await _connect(proxy)
        with pytest.raises((ConnectionResetError, AssertionError)):
            assert await client.rest()


async def test_a_url_leads_through_it(proxy: Proxy) -> None:
    there = f"127.0.0.1:{proxy.port}"
    assert through(proxy, "redis://db.example:6379/3") == f"redis://{there}/3"
    assert through(proxy, "postgresql://me:pw@db/x?a=b") == f"postgresql://me:pw@{there}/x?a=b"
    assert proxy.accepted == 0
