"""
How fast papers are read, and how fast they are indexed beside the bare embedder on the same passages.

Whole indexing is what a user waits for: from sending the first PDF to a running service until the last is
ready. The bare embedder is the service's own in a process that does nothing else. The two take turns, some
papers each, so that a machine that grows slower is slower for both.
"""

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
from haystack import Document as HaystackDocument

from benchmarks.processor import processor_seconds
from benchmarks.service import Running
from tunedd_api.backends.onnx_embedder import MiniLM, OnnxDocumentEmbedder
from tunedd_api.backends.sqlite.store import SQLiteDocumentStore
from tunedd_api.errors import Unreadable
from tunedd_api.library.reading.reader import Reader, ReadingLimits

AT_A_TIME = 20
"""Papers that are indexed before it is the bare embedder's turn."""
LOOK_EVERY = 0.25
"""Seconds; each look costs the service some milliseconds."""


@dataclass(frozen=True, kw_only=True)
class Indexed:
    papers: int
    passages: int
    whole: float
    """Seconds."""
    bare: float
    """Seconds."""
    whole_processor: float
    """Seconds of processor time, of the service and its reader."""
    bare_processor: float


def pages_per_second(files: Sequence[Path]) -> float:
    return asyncio.run(_read(files))


async def _read(files: Sequence[Path]) -> float:
    reader, pages = Reader(ReadingLimits()), 0
    started = time.monotonic()
    for file in files:
        try:
            pages += len((await reader.read(file)).pages)
        except Unreadable:
            continue
    seconds = time.monotonic() - started
    await reader.close()
    return pages / seconds


def index(service: Running, passages: Path, model: MiniLM, files: Sequence[Path]) -> Indexed:
    """Sends the files to a service; `passages` is the file it keeps them in, where their texts are found."""
    embedder = OnnxDocumentEmbedder(model)
    embedder.warm_up()
    found: list[Indexed] = []
    for group in _groups(files):
        whole, bare = _Clock(service.process), _Clock(os.getpid())
        with whole:
            ids = [_send(service.client, file) for file in group]
            _wait(service.client)
        stored = _passages(passages, ids, model.dimension)
        with bare:
            embedder.run(stored)
        found.append(
            Indexed(
                papers=len(group),
                passages=len(stored),
                whole=whole.seconds,
                bare=bare.seconds,
                whole_processor=whole.processor,
                bare_processor=bare.processor,
            )
        )
    return Indexed(**{name: sum(getattr(one, name) for one in found) for name in asdict(found[0])})


class _Clock:
    """Seconds, and seconds of processor time, that a process needs for a block."""

    def __init__(self, process: int) -> None:
        self.seconds = self.processor = 0.0
        self._process = process

    def __enter__(self) -> None:
        self._started = time.monotonic(), processor_seconds(self._process)

    def __exit__(self, *_: object) -> None:
        started, used = self._started
        self.seconds = time.monotonic() - started
        self.processor = processor_seconds(self._process) - used


def _groups(files: Sequence[Path]) -> Iterator[Sequence[Path]]:
    for start in range(0, len(files), AT_A_TIME):
        yield files[start : start + AT_A_TIME]


def _send(client: httpx.Client, file: Path) -> str:
    with file.open("rb") as opened:
        answer = client.post("/documents", files={"file": (file.name, opened, "application/pdf")})
    answer.raise_for_status()
    id: str = answer.json()["id"]
    return id


def _wait(client: httpx.Client) -> None:
    while client.get("/ready").status_code != httpx.codes.OK:
        time.sleep(LOOK_EVERY)


def _passages(file: Path, documents: Sequence[str], dimension: int) -> list[HaystackDocument]:
    store = SQLiteDocumentStore(file, dimension=dimension)
    try:
        wanted = {"field": "meta.document_id", "operator": "in", "value": list(documents)}
        return store.filter_documents(wanted)
    finally:
        store.close()
