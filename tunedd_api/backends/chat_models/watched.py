"""A chat generator whose server is asked again while it comes back, and given up when it falls silent."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from haystack import Pipeline, component
from haystack.dataclasses import ChatMessage, StreamingChunk
from haystack.tools import ToolsType

from tunedd_api.backends.asking import QUICK_RETRIES, BrokenOff, Part, Silent, ask
from tunedd_api.settings import Settings

ASYNC_ONLY = "This generator is asynchronous: its pipeline is run with run_async."

Callback = Callable[[StreamingChunk], Awaitable[None] | None]


@dataclass(frozen=True, kw_only=True)
class Patience:
    first: float
    """Seconds to the first piece of an answer."""
    next: float
    """Seconds between two pieces."""

    @classmethod
    def of(cls, settings: Settings) -> "Patience":
        return cls(first=settings.first_token_timeout, next=settings.next_token_timeout)


@component
class WatchedGenerator:
    """
    Any of Haystack's chat generators that can run asynchronously.

    `again_after` says of an error whether asking again makes sense, which is done as long as nothing was
    written; `ended` whether a reply came to its end, where a server broke off without an error.
    """

    def __init__(
        self,
        generator: Any,
        *,
        part: Part,
        patience: Patience,
        again_after: Callable[[BaseException], bool],
        ended: Callable[[ChatMessage], bool] = lambda reply: reply.meta.get("finish_reason") is not None,
    ) -> None:
        self.generator = generator
        self._part = part
        self._patience = patience
        self._again_after = again_after
        self._ended = ended

    async def warm_up_async(self) -> None:
        await self.generator.warm_up_async()

    async def close_async(self) -> None:
        await self.generator.close_async()

    @component.output_types(replies=list[ChatMessage])
    def run(
        self,
        messages: list[ChatMessage] | str,
        streaming_callback: Callback | None = None,
        generation_kwargs: dict[str, Any] | None = None,
        tools: ToolsType | None = None,
    ) -> dict[str, Any]:
        raise NotImplementedError(ASYNC_ONLY)

    @component.output_types(replies=list[ChatMessage])
    async def run_async(
        self,
        messages: list[ChatMessage] | str,
        streaming_callback: Callback | None = None,
        generation_kwargs: dict[str, Any] | None = None,
        tools: ToolsType | None = None,
    ) -> dict[str, Any]:
        written = _Written(streaming_callback)
        given = {"messages": messages, "generation_kwargs": generation_kwargs, "tools": tools}

        async def write() -> dict[str, Any]:
            return await self._write(given, written)

        return await ask(
            write,
            again_after=lambda error: not written.begun and self._again_after(error),
            within=QUICK_RETRIES,
        )

    async def _write(self, given: dict[str, Any], written: "_Written") -> dict[str, Any]:
        clock = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._patience.first) as silence:

                async def take(chunk: StreamingChunk) -> None:
                    silence.reschedule(clock.time() + self._patience.next)
                    await written.take(chunk)

                result: dict[str, Any] = await self.generator.run_async(**given, streaming_callback=take)
        except TimeoutError as error:
            if not silence.expired():
                raise
            raise self._silent(written.begun) from error
        if not self._ended(result["replies"][0]):
            raise BrokenOff(f"{self._part} broke off in the middle of its answer.")
        return result

    def _silent(self, begun: bool) -> Silent:
        if begun:
            return Silent(
                f"{self._part} fell silent in the middle of its answer: its server may be overloaded."
            )
        return Silent(
            f"{self._part} did not begin to answer within {self._patience.first:g} s. "
            "If it only takes long to load, raise TUNEDD_FIRST_TOKEN_TIMEOUT."
        )


class _Written:
    """What has come of an answer so far, on its way to whom it is for."""

    def __init__(self, callback: Callback | None) -> None:
        self.begun = False
        self._callback = callback

    async def take(self, chunk: StreamingChunk) -> None:
        self.begun = True
        if self._callback is not None and (waiting := self._callback(chunk)) is not None:
            await waiting


def pipeline_of(generator: Any) -> Pipeline:
    """A pipeline with one component, `llm`."""
    pipeline = Pipeline()
    pipeline.add_component("llm", generator)
    return pipeline
