"""A web server on loopback that serves files well or badly, as each test wants."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the server does with one request."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    ranges: bool = True
    """Whether it understands `Range`."""
    wrong_start: bool = False
    """Whether it sends another range than the one asked for."""
    break_after: int | None = None
    """Bytes of the body after which the connection ends."""
    length: bool = True
    """Whether it says how long the body is."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A request that came."""

    path: str
    headers: Mapping[str, str]
    query: str = ""


class FileServer:
    def __init__(self, port: int) -> None:
        self.port = port
        self.seen: list[Seen] = []
        self._answers: dict[str, list[Answer]] = {}

    def url(self, path: str, *, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def put(self, path: str, *answers: Answer) -> str:
        """
        Each request for the path gets the next answer, the last one for ever. Returns the address.

        A path with a query answers that query alone; one without, every other.
        """
        self._answers[path] = list(answers)
        return self.url(path)

    def answer(self, target: str, headers: Mapping[str, str]) -> Answer:
        path, query = urlsplit(target).path, urlsplit(target).query
        self.seen.append(Seen(path=path, query=query, headers=dict(headers)))
        answers = self._answers.get(target) or self._answers.get(path, [Answer(status=404)])
        return answers.pop(0) if len(answers) > 1 else answers[0]


@contextmanager
def serve_files() -> Iterator[FileServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Connection) as server:
        server.files = FileServer(server.server_port)  # type: ignore[attr-defined]  # the handler finds it there
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.files  # type: ignore[attr-defined]  # set above
        finally:
            server.shutdown()
            thread.join()


class _Connection(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        files: FileServer = self.server.files  # type: ignore[attr-defined]  # set by serve_files
        answer = files.answer(self.path, dict(self.headers))
        start = self._asked_start() if answer.ranges and answer.status == 200 else 0
        if start >= len(answer.body) > 0:
            self._send(Answer(status=416), b"")
            return
        self._send(answer, answer.body[start:], start=0 if answer.wrong_start else start)

    def _asked_start(self) -> int:
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(match[1]) if match else 0

    def _send(self, answer: Answer, body: bytes, *, start: int = 0) -> None:
        partial = answer.ranges and answer.status == 200 and "Range" in self.headers
        self.send_response(206 if partial else answer.status)
        if partial:
            end = len(answer.body)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{end}")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if answer.break_after is None else body[: answer.break_after])

    def log_message(self, format: str, *args: object) -> None:
        pass
