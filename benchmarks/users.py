"""
How long 1, 20 and 100 users wait for their sources and the first token, over HTTP, beside a bare loop.

Closed loop: every user has a conversation of its own and asks the next question when the answer is whole; all
begin at once. The chat model is `echo:`, which costs nothing and repeats the prompt, so that what is measured
is the service. `python -m benchmarks.users PAPERS… --models DIR`
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import httpx

from benchmarks.bare import bare_searches
from benchmarks.figures import milliseconds
from benchmarks.questions import questions
from benchmarks.service import one_folder, service_at
from tunedd_api.backends.onnx_embedder import MiniLM

USERS = (1, 20, 100)
QUESTIONS_EACH = 3
"""Questions of one conversation."""
AT_LEAST = 60
"""Questions asked by all users together: few users have several conversations, one after another."""
EMBEDDING_MODEL = "all-minilm-l6-v2"


@dataclass(kw_only=True)
class Waits:
    """Seconds from sending a question, one of each a question."""

    sources: list[float] = field(default_factory=list)
    first_token: list[float] = field(default_factory=list)
    seconds: float = 0.0
    """The whole run."""


async def ask_as_users(address: str, users: int, asked: Sequence[str]) -> Waits:
    """All users at once; each asks its own stretch of the questions, over and over."""
    waits = Waits()
    rounds = max(1, AT_LEAST // (users * QUESTIONS_EACH))
    limits = httpx.Limits(max_connections=users, max_keepalive_connections=users)
    started = time.monotonic()
    async with (
        httpx.AsyncClient(base_url=address, timeout=600, limits=limits) as client,
        anyio.create_task_group() as tasks,
    ):
        for user in range(users):
            tasks.start_soon(_be_user, client, user, rounds, asked, waits)
    waits.seconds = time.monotonic() - started
    return waits


async def _be_user(
    client: httpx.AsyncClient, user: int, rounds: int, asked: Sequence[str], waits: Waits
) -> None:
    for round in range(rounds):
        conversation = (await client.post("/conversations", json={})).json()["id"]
        for place in range(QUESTIONS_EACH):
            number = (user * rounds + round) * QUESTIONS_EACH + place
            await _ask(client, conversation, asked[number % len(asked)], waits)


async def _ask(client: httpx.AsyncClient, conversation: str, content: str, waits: Waits) -> None:
    started = time.monotonic()
    seen: dict[str, float] = {}
    url = f"/conversations/{conversation}/messages/stream"
    async with client.stream("POST", url, json={"content": content}) as response:
        async for line in response.aiter_lines():
            field, _, name = line.partition(": ")
            if field == "event":
                seen.setdefault(name, time.monotonic() - started)
    if "done" not in seen:
        raise RuntimeError(f"An answer did not end well; its events were: {', '.join(seen)}")
    waits.sources.append(seen["sources"])
    waits.first_token.append(seen["token"])


def main() -> None:
    arguments = _arguments()
    asked = questions(arguments.questions)
    with TemporaryDirectory() as home, one_folder(arguments.papers) as papers:
        with service_at(Path(home), papers, arguments.models, TUNEDD_CHAT_MODEL="echo:") as service:
            _say("users  questions  sources p50 / p95      first token p50 / p95      answers/s")
            for users in USERS:
                waits = asyncio.run(ask_as_users(str(service.client.base_url), users, asked))
                count = len(waits.sources)
                _say(
                    f"{users:5}  {count:9}  {milliseconds(waits.sources):20}  "
                    f"{milliseconds(waits.first_token):25}  {count / waits.seconds:.1f}"
                )
        model = MiniLM(arguments.models / EMBEDDING_MODEL)
        bare = bare_searches(Path(home, "passages.db"), model, asked)
        _say(f"bare loop, one question after another: {milliseconds(bare)}, {len(bare) / sum(bare):.1f}/s")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("papers", type=Path, nargs="+", help="folders of PDFs")
    parser.add_argument("--models", type=Path, default=Path("var/models"), help="folder of the models")
    parser.add_argument("--questions", type=Path, nargs="*", default=(), help="JSON lines with `question`")
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
