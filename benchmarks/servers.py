"""
The whole service over real servers, beside what these can do alone and beside a plain script over them.

    python -m benchmarks.servers FOLDER… --database postgresql://… --passages weaviate://… --ollama HOST:PORT

`whole` is what a user waits for, from the first PDF sent to the last ready. `Ollama alone` embeds the same
passages, with the best of some sizes of a batch and requests at a time. `plain script` is what the stock
components give with their defaults: read, split into 200 words, embed, write. All take the same papers in the
same run, in turns of some papers each. Then both this service and an embedded one over the same papers are
started again, in turns. What is written is deleted at the end, but for the database.
"""

import argparse
import asyncio
import math
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import httpx

from benchmarks.plain_script import PlainScript, embed_all
from benchmarks.service import one_folder, pdfs, service_at
from tunedd_api.backends.passages import discard_other_passages, open_passages

DIMENSION = 384
AT_A_TIME = 10
"""Papers of one turn."""
SHAPES = ((8, 2), (32, 1), (32, 2))
"""Texts of a request, and requests at a time."""
TRIED_ON = 96
TRIES = 3
STARTS = 3
WRITTEN = re.compile(r"^tunedd_passages_written_total (\S+)", re.MULTILINE)
LOOK_EVERY = 0.25
TEXT = ("title", "section")


@dataclass(kw_only=True)
class Times:
    """Seconds, and what was done in them."""

    whole: float = 0.0
    passages: int = 0
    alone: float = 0.0
    plain: float = 0.0
    plain_passages: int = 0


def main() -> None:
    arguments = _arguments()
    servers = {
        "TUNEDD_DATABASE_URL": arguments.database,
        "TUNEDD_PASSAGES_URL": f"{arguments.passages}&collection=Benchmark",
        "TUNEDD_EMBEDDING_MODEL": f"ollama://{arguments.ollama}?model={arguments.model}",
        "TUNEDD_CHAT_MODEL": "echo:",
    }
    plain = PlainScript(arguments.passages, arguments.ollama, arguments.model)
    try:
        with TemporaryDirectory() as place, one_folder(arguments.papers) as papers:
            home, empty = Path(place, "home"), Path(place, "empty")
            home.mkdir()
            empty.mkdir()
            with service_at(home, empty, arguments.models, **servers) as service:
                times = _index(service.client, servers["TUNEDD_PASSAGES_URL"], plain, arguments)
            _say(_told(times))
            embedded = Path(place, "embedded")
            embedded.mkdir()
            _start_again({home: servers, embedded: {"TUNEDD_CHAT_MODEL": "echo:"}}, papers, arguments.models)
    finally:
        plain.discard()
        asyncio.run(discard_other_passages(servers["TUNEDD_PASSAGES_URL"], Path(), []))


def _index(
    client: httpx.Client, passages_url: str, plain: PlainScript, arguments: argparse.Namespace
) -> Times:
    times, shape, known = Times(), None, set[str]()
    for group in _groups(pdfs(arguments.papers)):
        started = time.monotonic()
        for file in group:
            client.post("/documents", files={"file": (file.name, file.read_bytes())}).raise_for_status()
        _wait(client)
        times.whole += time.monotonic() - started
        texts = asyncio.run(_new_texts(passages_url, known))
        times.passages += len(texts)
        if shape is None:
            shape = _best_shape(arguments, texts[:TRIED_ON])
        batch, at_a_time = shape
        started = time.monotonic()
        asyncio.run(embed_all(arguments.ollama, arguments.model, texts, batch=batch, at_a_time=at_a_time))
        times.alone += time.monotonic() - started
        started = time.monotonic()
        times.plain_passages += plain.index(group)
        times.plain += time.monotonic() - started
        _say(_told(times))
    return times


def _start_again(homes: Mapping[Path, Mapping[str, str]], papers: Path, models: Path) -> None:
    """Medians over some starts each, in turns, after one that gets to know the folder."""
    seconds: dict[Path, list[float]] = {home: [] for home in homes}
    written = dict.fromkeys(homes, 0)
    for turn in range(STARTS + 1):
        for home, settings in homes.items():
            with service_at(home, papers, models, **settings) as service:
                if turn:
                    seconds[home].append(service.ready - service.started)
                    written[home] += _passages_written(service.client)
    servers, embedded = (median(seconds[home]) for home in homes)
    _say(
        f"started again, nothing changed: ready after {servers:.1f} s over the servers, {embedded:.1f} s "
        f"embedded, **{servers - embedded:.1f} s beyond**; passages embedded "
        f"{' and '.join(str(one) for one in written.values())}"
    )


def _passages_written(client: httpx.Client) -> int:
    """Since the service was started."""
    found = WRITTEN.search(client.get("/metrics").raise_for_status().text)
    if found is None:
        raise LookupError("The service does not count what it embeds and stores.")
    return int(float(found[1]))


def _best_shape(arguments: argparse.Namespace, texts: Sequence[str]) -> tuple[int, int]:
    seconds = dict.fromkeys(SHAPES, math.inf)
    for batch, at_a_time in SHAPES * TRIES:
        started = time.monotonic()
        asyncio.run(embed_all(arguments.ollama, arguments.model, texts, batch=batch, at_a_time=at_a_time))
        seconds[batch, at_a_time] = min(seconds[batch, at_a_time], time.monotonic() - started)
    told = ", ".join(f"{batch} × {at}: {len(texts) / one:.1f}/s" for (batch, at), one in seconds.items())
    _say(f"Ollama alone, texts of a request × requests at a time: {told}")
    return min(seconds, key=lambda one: seconds[one])


async def _new_texts(url: str, known: set[str]) -> list[str]:
    """What was embedded of the passages that were not there before."""
    async with open_passages(url, Path(), dimension=DIMENSION) as passages:
        stored = await passages.store.filter_documents_async(None)
    new = [one for one in stored if one.id not in known]
    known |= {one.id for one in new}
    fields = [[one.meta.get(name) for name in TEXT] for one in new]
    return [
        "\n".join([*(str(value) for value in values if value), one.content or ""])
        for values, one in zip(fields, new, strict=True)
    ]


def _told(times: Times) -> str:
    whole, alone = times.passages / times.whole, times.passages / times.alone
    plain = times.plain_passages / times.plain
    return (
        f"{times.passages:,} passages: whole {whole:.1f}/s, Ollama alone {alone:.1f}/s, "
        f"**whole ÷ alone {whole / alone:.2f}**; plain script {plain:.1f}/s ({times.plain_passages:,} "
        f"passages of its own), **whole ÷ plain {whole / plain:.2f}**; time of the plain script ÷ whole "
        f"{times.plain / times.whole:.2f}"
    )


def _wait(client: httpx.Client) -> None:
    while client.get("/ready").json().get("waiting_for") != []:
        time.sleep(LOOK_EVERY)


def _groups(files: Sequence[Path]) -> Iterator[Sequence[Path]]:
    for start in range(0, len(files), AT_A_TIME):
        yield files[start : start + AT_A_TIME]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("papers", type=Path, nargs="+", help="folders of PDFs")
    parser.add_argument("--database", required=True, help="postgresql://USER:PASSWORD@HOST/NAME, empty")
    parser.add_argument("--passages", required=True, help="weaviate://HOST:PORT?grpc=PORT")
    parser.add_argument("--ollama", required=True, help="HOST:PORT")
    parser.add_argument("--model", default="all-minilm:l6")
    parser.add_argument("--models", type=Path, default=Path("var/models"), help="folder of the models")
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
