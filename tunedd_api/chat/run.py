"""
A run is one answer being made. It lives on its own: followers come and go and watch it.

Its events, in order: `RunStarted`, then `SourcesFound`, `Queued`, `ToolUsed` and `Token` as the responder
yields them, and at the end exactly one `Done` or `Failed`. The message is stored before that is sent.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import anyio

from tunedd_api.chat.model import Done, Event, Failed, Message, RunStarted
from tunedd_api.errors import TuneddError


class Run:
    """One answer: every event it has had, numbered from 1, and those to come."""

    def __init__(self, conversation_id: str, message: Message) -> None:
        self.message = message
        self.failure: TuneddError | None = None
        self.scope = anyio.CancelScope()
        self._events: list[Event] = [RunStarted(conversation_id=conversation_id, message_id=message.id)]
        self._news = asyncio.Condition()

    async def add(self, event: Event) -> None:
        async with self._news:
            self._events.append(event)
            self._news.notify_all()

    async def follow(self, after: int = 0) -> AsyncGenerator[tuple[int, Event]]:
        """Every event behind number `after`, with its number, up to the last one."""
        while True:
            async with self._news:
                while len(self._events) <= after:
                    await self._news.wait()
            while after < len(self._events):
                event = self._events[after]
                after += 1
                yield after, event
                if isinstance(event, Done | Failed):
                    return

    async def finished(self) -> Message:
        """The whole answer. Raises the error that ended it, if one did."""
        async with aclosing(self.follow()) as events:
            async for _ in events:
                pass
        if self.failure is not None:
            raise self.failure
        return self.message
