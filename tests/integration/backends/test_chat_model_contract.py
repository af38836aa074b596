"""What every chat model does, whichever it is."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from haystack.dataclasses import ChatMessage, StreamingChunk

from tests.models import CHAT_MODELS, chat_model_of
from tunedd_api.backends.models import ServedModel
from tunedd_api.errors import ModelUnavailable

MESSAGES = [
    ChatMessage.from_system("Answer in English."),
    ChatMessage.from_user("What is an agent?"),
    ChatMessage.from_assistant("It acts."),
    ChatMessage.from_user("Tell me a long story about naïve agents (智能体)."),
]


@pytest.fixture(params=CHAT_MODELS)
async def model(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ServedModel]:
    async with chat_model_of(request.param, tmp_path, request) as opened:
        yield opened


async def write(model: ServedModel, **more: Any) -> ChatMessage:
    result = await model.pipeline().run_async({"llm": {"messages": MESSAGES, **more}})
    reply: ChatMessage = result["llm"]["replies"][0]
    return reply


async def test_what_is_streamed_is_the_whole_answer(model: ServedModel) -> None:
    pieces: list[str] = []

    async def take(chunk: StreamingChunk) -> None:
        pieces.append(chunk.content)

    reply = await write(model, streaming_callback=take)
    assert reply.text
    assert "".join(pieces) == reply.text
    assert len(pieces) > 1


async def test_without_a_listener_the_answer_comes_at_once(model: ServedModel) -> None:
    assert (await write(model)).text


async def test_tokens_are_reported(model: ServedModel) -> None:
    async def take(chunk: StreamingChunk) -> None:
        pass

    usage = (await write(model, streaming_callback=take)).meta["usage"]
    assert usage["prompt_tokens"] > 0
    assert usage["completion_tokens"] > 0


async def test_it_answers_again_after_an_answer_was_left(model: ServedModel) -> None:
    begun = asyncio.Event()

    async def take(chunk: StreamingChunk) -> None:
        begun.set()
        await anyio.sleep_forever()

    writing = asyncio.create_task(write(model, streaming_callback=take))
    await begun.wait()
    writing.cancel()
    await asyncio.wait([writing])
    assert writing.cancelled()
    assert (await write(model)).text


async def test_it_answers_several_at_once(model: ServedModel) -> None:
    replies = await asyncio.gather(*(write(model) for _ in range(3)))
    assert all(reply.text for reply in replies)


async def test_it_says_what_it_can_do(model: ServedModel) -> None:
    assert model.name
    assert model.places >= 1
    assert 0 < model.prompt_tokens < 2048
    await model.check()


async def test_a_failure_is_told_in_one_sentence(model: ServedModel) -> None:
    told = model.describe(RuntimeError("the roof is on fire"))
    assert isinstance(told, ModelUnavailable)
    assert "the roof is on fire" in told.message
