"""A chat model behind the API of OpenAI, which many servers speak, or of Anthropic, which is built alike."""

from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

import anyio
from haystack import Pipeline

from tunedd_api.backends import api_failures
from tunedd_api.backends.asking import Part
from tunedd_api.backends.chat_models.served import CHECK_WITHIN
from tunedd_api.backends.chat_models.watched import Patience, WatchedGenerator, pipeline_of
from tunedd_api.errors import ModelUnavailable
from tunedd_api.settings import Settings


class ApiModel:
    """Fulfils `ServedModel`. `look` asks the server for something that needs no model."""

    calls_tools = True

    def __init__(
        self,
        part: Part,
        generator: Any,
        settings: Settings,
        *,
        sdk: ModuleType,
        key: str,
        look: Callable[[], Awaitable[object]],
    ) -> None:
        self.name = part.name
        self.places = settings.chat_slots
        self.prompt_tokens = settings.context_tokens - settings.answer_tokens
        self._part, self._sdk, self._key, self._look = part, sdk, key, look
        self._generator = generator
        self._pipeline = pipeline_of(
            WatchedGenerator(
                generator,
                part=part,
                patience=Patience.of(settings),
                again_after=lambda error: api_failures.comes_back_after(error, sdk),
            )
        )

    def pipeline(self) -> Pipeline:
        return self._pipeline

    async def check(self) -> None:
        try:
            with anyio.fail_after(CHECK_WITHIN):
                await self._generator.warm_up_async()
                await self._look()
        except Exception as error:
            raise self.describe(error) from error

    def describe(self, error: BaseException) -> ModelUnavailable:
        return ModelUnavailable(api_failures.explain(error, self._part, self._sdk, self._key))

    async def aclose(self) -> None:
        await self._generator.close_async()
