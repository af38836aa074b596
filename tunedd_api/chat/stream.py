"""
An answer as server-sent events, each with an increasing `id` and JSON data. In order:

    run      {conversation_id, message_id}
    sources  {sources: [Source]}
    queued   {position}                          only while other answers are written first
    token    {text}
    tool     {name, arguments, result}
    done     {message}   or   error {error, message, retryable}      exactly one, at the end

A comment is sent every 15 s while nothing happens. A client that leaves does not end its answer; one that is
slower than the model gets several tokens as one, under the last one's id.
"""

import json
from collections.abc import AsyncGenerator, Iterable, Iterator
from dataclasses import asdict
from itertools import groupby
from typing import Any

import anyio
from pydantic import TypeAdapter
from starlette.responses import StreamingResponse

from tunedd_api.chat.model import Done, Event, Failed, Queued, RunStarted, SourcesFound, Token, ToolUsed
from tunedd_api.chat.run import Run

PING = b": ping\n\n"
PING_EVERY = 15.0
"""Seconds."""
DONE = TypeAdapter(Done)
HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
"""The second keeps a proxy from holding events back."""


class EventStream(StreamingResponse):
    """
    Sends a run from its first event to its last.

    The framework's own takes the time of six of these: it guards every event with a timer of its own.
    """

    media_type = "text/event-stream"

    def __init__(self, run: Run, status_code: int = 200, *, ping_every: float = PING_EVERY) -> None:
        super().__init__(_chunks(run, ping_every), status_code, headers=HEADERS)


async def _chunks(run: Run, ping_every: float) -> AsyncGenerator[bytes]:
    after = 0
    with run.followed():
        while True:
            with anyio.move_on_after(ping_every):
                await run.grown(after)
            new = run.since(after)
            if not new:
                yield PING
                continue
            yield b"".join(_block(number, event) for number, event in _gathered(new))
            after, last = new[-1]
            if isinstance(last, Done | Failed):
                return


def _gathered(events: Iterable[tuple[int, Event]]) -> Iterator[tuple[int, Event]]:
    """Tokens that follow on one another made one."""
    for is_text, group in groupby(events, key=lambda numbered: isinstance(numbered[1], Token)):
        if is_text:
            tokens = list(group)
            text = "".join(token.text for _, token in tokens if isinstance(token, Token))
            yield tokens[-1][0], Token(text=text)
        else:
            yield from group


def _block(number: int, event: Event) -> bytes:
    name, data = _wire(event)
    return f"event: {name}\ndata: {json.dumps(data)}\nid: {number}\n\n".encode()


def _wire(event: Event) -> tuple[str, dict[str, Any]]:
    match event:
        case RunStarted():
            return "run", asdict(event)
        case SourcesFound():
            return "sources", asdict(event)
        case Queued():
            return "queued", asdict(event)
        case Token():
            return "token", asdict(event)
        case ToolUsed(tool=tool):
            return "tool", asdict(tool)
        case Done():
            return "done", DONE.dump_python(event, mode="json")
        case Failed():
            return "error", asdict(event)
