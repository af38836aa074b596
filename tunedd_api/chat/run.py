"""
A run is one answer being made. It lives on its own: followers come and go and watch it.

Its events, in order: `RunStarted`, then `SourcesFound`, `Queued`, `ToolUsed` and `Token` as the responder
yields them, and at the end exactly one `Done` or `Failed`. The message is stored before that is sent.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from typing import Any

import anyio

from tunedd_api.chat.model import (
    Done,
    Event,
    Failed,
    Message,
    Part,
    RunStarted,
    SourcesFound,
    Token,
    ToolUsed,
    Used,
)
from tunedd_api.errors import TuneddError


class Run:
    """One answer: every event it has had, numbered from 1, and those to come."""

    def __init__(self, conversation_id: str, message: Message) -> None:
        self.failure: TuneddError | None = None
        self.scope = anyio.CancelScope()
        self.message_id = message.id
        self.followers = 0
        self._message = message
        self._text = [message.content]
        self._events: list[Event] = [RunStarted(conversation_id=conversation_id, message_id=message.id)]
        self._news = asyncio.Event()

    @property
    def message(self) -> Message:
        """The answer as far as it is."""
        return replace(self._message, content="".join(self._text))

    def change(self, **values: Any) -> None:
        self._message = replace(self._message, **values)

    def take(self, part: Part) -> None:
        """Adds to the answer, and tells its followers."""
        match part:
            case Token(text=text):
                self._text.append(text)
            case SourcesFound(sources=sources):
                self.change(sources=sources)
            case ToolUsed(tool=tool):
                self.change(tools=(*self._message.tools, tool))
            case Used(usage=usage):
                self.change(usage=usage if self._message.usage is None else self._message.usage + usage)
                return
        self.tell(part)

    def tell(self, event: Event) -> None:
        self._events.append(event)
        self._news.set()
        self._news = asyncio.Event()

    def since(self, after: int) -> list[tuple[int, Event]]:
        """The events behind number `after`, each with its number, that there are by now."""
        return list(enumerate(self._events[after:], after + 1))

    async def grown(self, after: int) -> None:
        """Returns once there is an event behind number `after`."""
        while len(self._events) <= after:
            await self._news.wait()

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Somebody follows the run while the block lasts."""
        self.followers += 1
        try:
            yield
        finally:
            self.followers -= 1

    async def follow(self, after: int = 0) -> AsyncGenerator[tuple[int, Event]]:
        """Every event behind number `after`, with its number, up to the last one."""
        while True:
            await self.grown(after)
            for number, event in self.since(after):
                yield number, event
                if isinstance(event, Done | Failed):
                    return
                after = number

    async def finished(self) -> Message:
        """The whole answer. Raises the error that ended it, if one did."""
        with self.followed():
            async with aclosing(self.follow()) as events:
                async for _ in events:
                    pass
        if self.failure is not None:
            raise self.failure
        return self.message
