"""A TCP proxy for fault tests: it delays, holds up, slows, cuts and refuses connections while a test runs."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

PIECE = 1 << 16
"""Bytes read at once."""
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER without time: closing sends a reset, as a machine does whose process is gone."""


class Proxy:
    """
    Stands between a client and the server at `host`, `port`. Its faults are attributes, free to change at any
    time, and hold for the connections that there are as for new ones. It runs on the loop of the test.
    """

    def __init__(self, host: str, port: int) -> None:
        self.latency = 0.0
        """Seconds that each piece waits, in each direction."""
        self.rate: float | None = None
        """Bytes a second towards the client; None is no limit."""
        self.cut_after: int | None = None
        """Bytes towards the client after which a connection is reset; counted anew for each connection."""
        self.accepted = 0
        """Connections taken so far."""
        self.port = 0
        self._upstream = (host, port)
        self._flows = asyncio.Event()
        self._flows.set()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()

    def drop(self) -> None:
        """A black hole: connections stay open and new ones are taken, but nothing gets through."""
        self._flows.clear()

    def deliver(self) -> None:
        """Ends `drop`. What was sent meanwhile arrives, as TCP has it."""
        self._flows.set()

    def cut(self) -> None:
        """Resets every connection now, on both sides."""
        for writer in list(self._writers):
            _reset(writer)

    def refuse(self) -> None:
        """New connections are refused; those that there are go on."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def accept(self) -> None:
        """Ends `refuse`, on the same port."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    def kill(self) -> None:
        """The server is gone: refuses, and cuts what there is."""
        self.refuse()
        self.cut()

    async def aclose(self) -> None:
        self.kill()
        self.deliver()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._serving.add(task)
        self._writers.add(writer)
        self.accepted += 1
        try:
            await self._flows.wait()
            with suppress(OSError):
                await self._connect(reader, writer)
        except asyncio.CancelledError:
            # Only `aclose` cancels it, and the streams of Python 3.11 complain of a cancelled task.
            pass
        finally:
            _reset(writer)
            self._writers.discard(writer)
            self._serving.discard(task)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(*self._upstream)
        self._writers.add(up_writer)
        pumps = [
            asyncio.create_task(self._pump(reader, up_writer)),
            asyncio.create_task(self._pump(up_reader, writer, towards_client=True)),
        ]
        try:
            await asyncio.gather(*pumps)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            up_writer.close()
            self._writers.discard(up_writer)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, towards_client: bool = False
    ) -> None:
        passed = 0
        while data := await reader.read(PIECE):
            await asyncio.sleep(self.latency)
            await self._flows.wait()
            for piece in _pieces(data, self.rate if towards_client else None):
                room = self.cut_after - passed if towards_client and self.cut_after is not None else None
                writer.write(piece if room is None else piece[: max(0, room)])
                await writer.drain()
                passed += len(piece)
                if room is not None and passed >= (self.cut_after or 0):
                    # Given time to arrive: a reset overtakes what the client has not read yet.
                    await asyncio.sleep(0.02)
                    raise ConnectionResetError
                if towards_client and self.rate:
                    await asyncio.sleep(len(piece) / self.rate)
        with suppress(OSError):
            writer.write_eof()


def _pieces(data: bytes, rate: float | None) -> list[bytes]:
    """A tenth of a second's worth each, where the rate is limited."""
    size = max(1, int(rate / 10)) if rate else len(data)
    return [data[start : start + size] for start in range(0, len(data), size)]


def _reset(writer: asyncio.StreamWriter) -> None:
    plug: socket.socket | None = writer.get_extra_info("socket")
    if plug is not None and not writer.is_closing():
        with suppress(OSError):
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.transport.abort()


@asynccontextmanager
async def proxy_to(host: str, port: int) -> AsyncIterator[Proxy]:
    """A proxy in front of a server, until the block ends."""
    proxy = Proxy(host, port)
    await proxy.accept()
    try:
        yield proxy
    finally:
        await proxy.aclose()


def through(proxy: Proxy, url: str) -> str:
    """The same URL, with the proxy for its host and port."""
    parts = urlsplit(url)
    login, at, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{login}{at}127.0.0.1:{proxy.port}").geturl()
