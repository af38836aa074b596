"""Answers through the API of Anthropic, or of a gateway that speaks it."""

from typing import Any

import anthropic
from haystack.dataclasses import ChatMessage
from haystack.utils import Secret
from haystack_integrations.components.generators.anthropic import AnthropicChatGenerator

from tunedd_api.backends.asking import CONNECT_WITHIN, chat_part
from tunedd_api.backends.chat_models.api import ApiModel
from tunedd_api.settings import Settings

KEY = "TUNEDD_ANTHROPIC_API_KEY"
"""The setting of the key."""
NO_KEY = "none"
"""The client insists on one."""


class ClosingGenerator(AnthropicChatGenerator):
    """Haystack's own, which leaves the stream of an answer open that nobody wants any more."""

    async def _process_response_async(
        self, response: Any, streaming_callback: Any = None
    ) -> dict[str, list[ChatMessage]]:
        try:
            result: dict[str, list[ChatMessage]] = await super()._process_response_async(
                response, streaming_callback
            )
            return result
        finally:
            if isinstance(response, anthropic.AsyncStream):
                await response.close()


def anthropic_model(name: str, url: str | None, settings: Settings) -> ApiModel:
    """`url` is that of a gateway, or None for Anthropic's own."""
    given = settings.anthropic_api_key
    token = given.get_secret_value() if given else NO_KEY
    generator = ClosingGenerator(
        api_key=Secret.from_token(token),
        model=name,
        generation_kwargs={"max_tokens": settings.answer_tokens},
        max_retries=0,
    )
    # Made here, because the generator takes no address.
    client = anthropic.AsyncAnthropic(
        api_key=token,
        base_url=url,
        # The silence of a model that is reading is watched over elsewhere.
        timeout=anthropic.Timeout(settings.answer_timeout, connect=CONNECT_WITHIN),
        max_retries=0,
    )
    generator.async_client = client

    async def look() -> object:
        return await client.models.retrieve(name)

    return ApiModel(chat_part(name), generator, settings, sdk=anthropic, key=KEY, look=look)
