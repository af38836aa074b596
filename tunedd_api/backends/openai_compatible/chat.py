"""Answers on an OpenAI-compatible server."""

import openai
from haystack.components.generators.chat import OpenAIChatGenerator

from tunedd_api.backends.asking import CONNECT_WITHIN, chat_part
from tunedd_api.backends.chat_models.api import ApiModel
from tunedd_api.backends.openai_compatible.address import KEY, Address, key
from tunedd_api.settings import Settings


def openai_model(address: Address, settings: Settings) -> ApiModel:
    generator = OpenAIChatGenerator(
        api_key=key(settings),
        model=address.model,
        api_base_url=address.url,
        generation_kwargs={
            "max_completion_tokens": settings.answer_tokens,
            "stream_options": {"include_usage": True},
        },
        # The silence of a model that is reading or loading is watched over elsewhere.
        timeout=openai.Timeout(settings.answer_timeout, connect=CONNECT_WITHIN),  # type: ignore[arg-type]
        max_retries=0,
    )

    async def look() -> object:
        assert generator.async_client
        return await generator.async_client.models.list()

    part = chat_part(address.model)
    return ApiModel(part, generator, settings, sdk=openai, key=KEY, look=look)
