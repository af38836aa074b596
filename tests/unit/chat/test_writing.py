"""A model at work, and what happens when nobody wants its answer any more."""

import asyncio
from contextlib import aclosing
from typing import Any

import anyio
import pytest
from haystack import Pipeline, component
from haystack.components.generators.chat import MockChatGenerator
from haystack.core.errors import PipelineRuntimeError
from haystack.dataclasses import ChatMessage, StreamingChunk

from tunedd_api.chat.writing import Writing

DATA = {"messages": [ChatMessage.from_user("What?")]}


@component
class Slow:
    """Writes one word, then waits to be cancelled, or to be told to write another."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.go_on = asyncio.Event()

    @component.output_types(replies=list[ChatMessage])
    def run(self, messages: list[ChatMessage], streaming_callback: Any = None) -> dict[str, Any]:
        raise NotImplementedError

    @component.output_types(replies=list[ChatMessage])
    async def run_async(self, messages: list[ChatMessage], streaming_callback: Any = None) -> dict[str, Any]:
        try:
            await streaming_callback(StreamingChunk(content="One"))
            await asyncio.wait_for(self.go_on.wait(), 60)
            await streaming_callback(StreamingChunk(content=" two"))
        finally:
            # A generator has to tell its server, which takes a moment.
            await asyncio.sleep(0.05)
            self.ended.set()
        return {"replies": []}


def pipeline_of(model: Any) -> Pipeline:
    pipeline = Pipeline()
    pipeline.add_component("llm", model)
    return pipeline


async def test_all_of_the_text_comes_out_in_few_pieces_and_then_the_reply() -> None:
    words = " ".join(str(number) for number in range(1000))
    async with aclosing(Writing(pipeline_of(MockChatGenerator(words)), DATA)) as writing:
        texts = [text async for text in writing.texts()]
        assert "".join(texts) == words
        assert len(texts) < 10
        assert writing.reply().text == words


async def test_a_piece_is_taken_while_the_model_goes_on() -> None:
    async with aclosing(Writing(pipeline_of(Slow()), DATA)) as writing:
        assert await anext(writing.texts()) == "One"


async def test_what_a_model_wrote_last_is_not_lost_on_a_slow_reader() -> None:
    model, texts = Slow(), []
    async with aclosing(Writing(pipeline_of(model), DATA)) as writing:
        async for text in writing.texts():
            texts.append(text)
            model.go_on.set()
            # While this one is still busy with the first piece, the model writes the last one and ends.
            await model.ended.wait()
            await asyncio.sleep(0.05)
    assert texts == ["One", " two"]


@pytest.mark.parametrize("by", ["closing", "cancelling"])
async def test_leaving_stops_the_model(by: str) -> None:
    model, begun = Slow(), asyncio.Event()

    async def read() -> None:
        async with aclosing(Writing(pipeline_of(model), DATA)) as writing, aclosing(writing.texts()) as texts:
            async for _ in texts:
                begun.set()
                if by == "closing":
                    return

    task = asyncio.create_task(read())
    await begun.wait()
    if by == "cancelling":
        task.cancel()
    await asyncio.wait([task])
    assert task.cancelled() == (by == "cancelling")
    assert model.ended.is_set()


async def test_who_gives_up_on_an_answer_waits_until_the_model_has_stopped() -> None:
    model = Slow()
    with anyio.CancelScope() as scope:
        async with aclosing(Writing(pipeline_of(model), DATA)) as writing:
            assert await anext(writing.texts()) == "One"
            scope.cancel()
            await anyio.sleep(1)
    assert model.ended.is_set()


async def test_an_error_of_the_model_comes_behind_what_it_wrote() -> None:
    def fail(messages: list[ChatMessage]) -> str:
        raise ValueError("broken")

    async with aclosing(Writing(pipeline_of(MockChatGenerator(response_fn=fail)), DATA)) as writing:
        assert [text async for text in writing.texts()] == []
        with pytest.raises(PipelineRuntimeError, match="broken"):
            writing.reply()
