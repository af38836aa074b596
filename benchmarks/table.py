"""
The table of speed and size, made in one run: `python -m benchmarks.table FOLDER… --models DIR`.

A service without a language model gets the papers of each folder in turn and is measured after each, so that
a column shows a library of that size. The bare parts that it is made of are measured in the same run.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.bare import bare_searches
from benchmarks.environment import environment_size
from benchmarks.figures import markdown, megabytes, milliseconds
from benchmarks.indexing import Indexed, index, pages_per_second
from benchmarks.memory import Memory, memory
from benchmarks.questions import questions
from benchmarks.searching import searches
from benchmarks.service import Running, one_folder, pdfs, service_at
from benchmarks.starting import Restart, restart
from benchmarks.users import EMBEDDING_MODEL, USERS, Waits, ask_as_users
from tunedd_api.backends.onnx_embedder import MiniLM

ECHO = {"TUNEDD_CHAT_MODEL": "echo:"}


@dataclass(frozen=True, kw_only=True)
class Column:
    """What was measured on a library of one size."""

    papers: int
    passages: int
    """All that the library holds; `indexed` are those that came with the last folder."""
    reading: float
    """Pages a second."""
    indexed: Indexed
    memory: Memory
    memory_later: Memory
    searches: list[float]
    bare: list[float]
    waits: dict[int, Waits]


def main() -> None:
    arguments = _arguments()
    asked = questions(arguments.questions)
    with TemporaryDirectory() as place, one_folder(arguments.papers) as papers:
        home, empty = Path(place, "home"), Path(place, "empty")
        home.mkdir()
        empty.mkdir()
        with service_at(home, empty, arguments.models, **ECHO) as service:
            columns = list(_columns(service, home, arguments.papers, arguments.models, asked))
        again = restart(home, papers, arguments.models, **ECHO)
    header = ["", *(f"{one.papers} papers, {one.passages:,} passages" for one in columns)]
    _say("\n" + markdown(header, [[name, *values] for name, values in _rows(columns)]))
    _say(f"\nRestart with {columns[-1].papers} papers, nothing changed: {_said(again)}.")
    _say(f"Environment without weights: {megabytes(environment_size())}.")


def _columns(
    service: Running, home: Path, folders: Sequence[Path], models: Path, asked: Sequence[str]
) -> Iterator[Column]:
    model = MiniLM(models / EMBEDDING_MODEL)
    papers = passages = 0
    for folder in folders:
        files = pdfs([folder])
        _say(f"{folder.name}: {len(files)} papers")
        reading = pages_per_second(files)
        indexed = index(service, home / "passages.db", model, files)
        papers, passages = papers + indexed.papers, passages + indexed.passages
        after = memory(service.process)
        address = str(service.client.base_url)
        yield Column(
            papers=papers,
            passages=passages,
            reading=reading,
            indexed=indexed,
            memory=after,
            searches=searches(service.client, asked),
            bare=bare_searches(home / "passages.db", model, asked),
            waits={users: asyncio.run(ask_as_users(address, users, asked)) for users in USERS},
            memory_later=memory(service.process),
        )


def _rows(columns: Sequence[Column]) -> Iterator[tuple[str, list[str]]]:
    yield "reading, pages/s", [f"{one.reading:.0f}" for one in columns]
    yield "whole indexing, passages/s", [f"{one.indexed.passages / one.indexed.whole:.1f}" for one in columns]
    yield "bare embedder, passages/s", [f"{one.indexed.passages / one.indexed.bare:.1f}" for one in columns]
    yield "**whole ÷ bare**", [f"**{one.indexed.bare / one.indexed.whole:.2f}**" for one in columns]
    yield (
        "… in processor time",
        [f"{one.indexed.bare_processor / one.indexed.whole_processor:.2f}" for one in columns],
    )
    yield "search over HTTP, p50 / p95", [milliseconds(one.searches) for one in columns]
    yield "bare loop: embedder and store", [milliseconds(one.bare) for one in columns]
    for users in USERS:
        title = f"`sources`, {users} users" if users > 1 else "`sources`, 1 user"
        yield title, [milliseconds(one.waits[users].sources) for one in columns]
    for users in USERS:
        title = f"first `token`, {users} users" if users > 1 else "first `token`, 1 user"
        yield title, [milliseconds(one.waits[users].first_token) for one in columns]
    yield "memory of the service after indexing", [megabytes(one.memory.service) for one in columns]
    yield "… after the users", [megabytes(one.memory_later.service) for one in columns]
    yield "memory of the reader", [megabytes(one.memory.reader) for one in columns]


def _said(again: Restart) -> str:
    beyond = again.seconds - again.imports
    return (
        f"ready after {again.seconds:.1f} s, {beyond:.1f} s beyond the imports; "
        f"{again.embedded} passages embedded"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("papers", type=Path, nargs="+", help="folders of PDFs, added one after another")
    parser.add_argument("--models", type=Path, default=Path("var/models"), help="folder of the models")
    parser.add_argument("--questions", type=Path, nargs="*", default=(), help="JSON lines with `question`")
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
