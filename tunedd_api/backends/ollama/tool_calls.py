"""Haystack's chat generator for Ollama, with the tool calls that it loses."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from haystack.dataclasses import ChatMessage
from haystack_integrations.components.generators.ollama import OllamaChatGenerator
from ollama import ChatResponse

NO_ARGUMENTS = "no_arguments"


class OllamaToolCalls(OllamaChatGenerator):
    """
    In a stream, the generator of ollama-haystack 7.0 fails on a call without arguments, and makes one of
    several calls that come in one piece. Here the pieces are put right before it sees them.
    """

    async def _handle_streaming_response_async(
        self, response_iter: AsyncIterator[ChatResponse], callback: Any
    ) -> dict[str, list[ChatMessage]]:
        # Closed here, or an answer that nobody wants any more goes on until somebody clears up.
        async with aclosing(_one_by_one(response_iter)) as pieces:
            result: dict[str, list[ChatMessage]] = await super()._handle_streaming_response_async(
                pieces, callback
            )
        for call in result["replies"][0].tool_calls:
            call.arguments.pop(NO_ARGUMENTS, None)
        return result


async def _one_by_one(pieces: AsyncIterator[ChatResponse]) -> AsyncGenerator[ChatResponse]:
    try:
        async for piece in pieces:
            calls = list(piece.message.tool_calls or ())
            if not calls:
                yield piece
            for place, call in enumerate(calls):
                call.function.arguments = call.function.arguments or {NO_ARGUMENTS: True}
                text = piece.message.content if place == 0 else ""
                message = piece.message.model_copy(update={"tool_calls": [call], "content": text})
                yield piece.model_copy(update={"message": message})
    finally:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()
