"""A chat model at work: a pipeline run whose text is taken as it comes, all that there is at once."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import anyio
from haystack import Pipeline
from haystack.dataclasses import ChatMessage, StreamingChunk

STOPS_WITHIN = 1.0
"""Seconds that a model has to notice that nobody wants its answer any more."""


class Writing:
    """
    Runs a pipeline with one component, `llm`, in a task of its own until it is closed.

    `Pipeline.stream` hands on every chunk by itself. A model that is faster than its readers then keeps the
    loop busy with single words, and everybody else waits.
    """

    def __init__(self, pipeline: Pipeline, data: dict[str, Any]) -> None:
        self._pieces: list[str] = []
        self._news = asyncio.Event()

        # No method: a pipeline copies what it is given, and with a method its object.
        async def take(chunk: StreamingChunk) -> None:
            if chunk.content:
                self._pieces.append(chunk.content)
                self._news.set()

        self._run = asyncio.create_task(pipeline.run_async({"llm": {**data, "streaming_callback": take}}))
        self._run.add_done_callback(lambda _: self._news.set())

    async def texts(self) -> AsyncGenerator[str]:
        """What was written since the last one, until all is."""
        while self._pieces or not self._run.done():
            await self._news.wait()
            self._news.clear()
            if self._pieces:
                text = "".join(self._pieces)
                self._pieces.clear()
                yield text

    def reply(self) -> ChatMessage:
        """The whole message, once there are no more texts. Raises what the pipeline raised."""
        reply: ChatMessage = self._run.result()["llm"]["replies"][0]
        return reply

    async def aclose(self) -> None:
        """Stops the model, if it is still at work."""
        if not self._run.done():
            self._run.cancel()
            # Shielded: who is being cancelled has all the more reason to wait until the model has stopped.
            with anyio.CancelScope(shield=True):
                await asyncio.wait([self._run], timeout=STOPS_WITHIN)
        if self._run.done() and not self._run.cancelled():
            # Looked at, or the loop complains that nobody did.
            self._run.exception()
