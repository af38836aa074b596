"""A web server on the loop of a test that stands in for a model server: it says what was prepared."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

HANG = "hang"
"""In a reply: nothing more comes, until the client leaves."""
BREAK = "break"
"""In a reply: the connection is reset."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    pieces: Sequence[bytes | str] = ()
    """Sent one by one; HANG and BREAK are not sent but done."""
    status: int = 200
    kind: str = "application/json"
    pause: float = 0.0
    """Seconds after each piece."""

    @classmethod
    def json(cls, body: object, status: int = 200) -> "Reply":
        return cls(pieces=[json.dumps(body).encode()], status=status)

    @classmethod
    def lines(cls, *lines: object, end: str | None = None, pause: float = 0.0) -> "Reply":
        """Lines of JSON, as Ollama streams; `end` may be HANG or BREAK."""
        pieces: list[bytes | str] = [json.dumps(line).encode() + b"\n" for line in lines]
        return cls(pieces=[*pieces, *([end] if end else [])], kind="application/x-ndjson", pause=pause)

    @classmethod
    def events(cls, *events: object, end: str | None = None, pause: float = 0.0) -> "Reply":
        """Server-sent events; each with its `type` as its name, if it has one."""
        pieces: list[bytes | str] = [_event(event) for event in events]
        return cls(pieces=[*pieces, *([end] if end else [])], kind="text/event-stream", pause=pause)


Route = Reply | Callable[[Any], Reply]


@dataclass(kw_only=True)
class StandIn:
    port: int = 0
    routes: dict[str, Route] = field(default_factory=dict)
    """By path; a function is given the body."""
    seen: list[tuple[str, Any, Mapping[str, str]]] = field(default_factory=list)
    """Path, body and headers of each request."""
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a client has left before its reply was whole."""
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _serving: set[asyncio.Task[None]] = field(default_factory=set)

    def bodies(self, path: str) -> list[Any]:
        return [body for seen, body, _ in self.seen if seen == path]

    def break_all(self) -> None:
        """Resets every connection that there is."""
        for writer in self._writers:
            writer.transport.abort()

    async def aclose(self) -> None:
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._serving.add(task)
        self._writers.add(writer)
        try:
            await self._answer(reader, writer)
        except asyncio.CancelledError:
            # Only `aclose` cancels it, and the streams of Python 3.11 complain of a cancelled task.
            pass
        finally:
            writer.transport.abort()
            self._writers.discard(writer)
            self._serving.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            path, headers, body = await _request(reader)
            self.seen.append((path, body, headers))
            route = self.routes.get(path, Reply.json({"error": "no such page"}, 404))
            leaving = asyncio.create_task(reader.read(1))
            telling = asyncio.create_task(_tell(writer, route if isinstance(route, Reply) else route(body)))
            await asyncio.wait([leaving, telling], return_when=asyncio.FIRST_COMPLETED)
            if not telling.done():
                self.left.set()
            leaving.cancel()
            telling.cancel()
            await asyncio.gather(leaving, telling, return_exceptions=True)
            writer.close()
            await writer.wait_closed()


async def _request(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], Any]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return head[0].split()[1].partition("?")[0], headers, json.loads(body) if body else None


async def _tell(writer: asyncio.StreamWriter, reply: Reply) -> None:
    head = f"HTTP/1.1 {reply.status} .\r\nContent-Type: {reply.kind}\r\n"
    writer.write(f"{head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode())
    for piece in reply.pieces:
        if isinstance(piece, bytes):
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
            await asyncio.sleep(reply.pause)
        elif piece == HANG:
            await asyncio.Event().wait()
        else:
            await asyncio.sleep(0.02)
            writer.transport.abort()
            return
    writer.write(b"0\r\n\r\n")
    await writer.drain()


def _event(event: object) -> bytes:
    if isinstance(event, str):
        return f"data: {event}\n\n".encode()
    name = event.get("type") if isinstance(event, dict) else None
    return (f"event: {name}\n" if name else "").encode() + f"data: {json.dumps(event)}\n\n".encode()


@asynccontextmanager
async def standing_in(routes: Mapping[str, Route], *, port: int = 0) -> AsyncIterator[StandIn]:
    stand_in = StandIn(routes=dict(routes))
    server = await asyncio.start_server(stand_in.serve, "127.0.0.1", port)
    stand_in.port = server.sockets[0].getsockname()[1]
    try:
        yield stand_in
    finally:
        server.close()
        await stand_in.aclose()
