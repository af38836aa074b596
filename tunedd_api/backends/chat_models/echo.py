"""A weightless chat model that repeats the prompt."""

from haystack import Pipeline
from haystack.components.generators.chat import MockChatGenerator

from tunedd_api.backends.chat_models.watched import pipeline_of
from tunedd_api.errors import ModelUnavailable
from tunedd_api.settings import Settings


class EchoModel:
    """Fulfils `ServedModel`."""

    name = "echo"
    calls_tools = False

    def __init__(self, settings: Settings) -> None:
        self.places = settings.chat_slots
        self.prompt_tokens = settings.context_tokens - settings.answer_tokens
        self._pipeline = pipeline_of(MockChatGenerator())

    def pipeline(self) -> Pipeline:
        return self._pipeline

    async def check(self) -> None:
        """It is always there."""

    def describe(self, error: BaseException) -> ModelUnavailable:
        return ModelUnavailable(f"The chat model echo failed: {error}")
