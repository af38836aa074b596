"""Chat models by URL, as Haystack pipelines with one component, `llm`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qs, urlsplit

import anyio
import openai
from haystack import Pipeline
from haystack.components.generators.chat import MockChatGenerator, OpenAIChatGenerator
from haystack.utils import Secret

from tunedd_api.backends.cores import usable_cores
from tunedd_api.backends.model_files.weights import ModelMissing, Weights
from tunedd_api.errors import MissingExtra, ModelUnavailable, SetupError
from tunedd_api.settings import Settings

if TYPE_CHECKING:
    from tunedd_api.backends.llama_server import LlamaSettings

CHECK_WITHIN = 3.0
"""Seconds that a remote model has to show that it is there."""
NO_KEY = "none"
"""Servers without keys accept any; the client insists on one."""


class UnknownChatModel(SetupError):
    """TUNEDD_CHAT_MODEL must be llama:NAME, openai+https://HOST/v1?model=NAME, or echo:."""


class ServedModel(Protocol):
    """A chat model that the service keeps: what answering needs of it, and whether it is there."""

    name: str
    calls_tools: bool
    places: int
    prompt_tokens: int

    def pipeline(self) -> Pipeline: ...
    def describe(self, error: BaseException) -> ModelUnavailable: ...
    async def check(self) -> None:
        """Raises ModelUnavailable if the model cannot answer now."""
        ...


class RemoteModel:
    """A chat model behind an OpenAI-compatible server, or Haystack's mock, which repeats the prompt."""

    def __init__(
        self, name: str, generator: OpenAIChatGenerator | MockChatGenerator, settings: Settings
    ) -> None:
        self.name = name
        self.calls_tools = isinstance(generator, OpenAIChatGenerator)
        self.places = settings.chat_slots
        self.prompt_tokens = settings.context_tokens - settings.answer_tokens
        self._generator = generator
        self._pipeline = Pipeline()
        self._pipeline.add_component("llm", generator)

    def pipeline(self) -> Pipeline:
        return self._pipeline

    async def check(self) -> None:
        if isinstance(self._generator, MockChatGenerator):
            return
        await self._generator.warm_up_async()
        assert self._generator.async_client
        client = self._generator.async_client.with_options(max_retries=0)
        try:
            with anyio.fail_after(CHECK_WITHIN):
                await client.models.list()
        except (openai.OpenAIError, TimeoutError) as error:
            raise self.describe(error) from error

    def describe(self, error: BaseException) -> ModelUnavailable:
        match error:
            case openai.APITimeoutError() | TimeoutError():
                return ModelUnavailable(f"The chat model {self.name} did not answer in time.")
            case openai.AuthenticationError():
                return ModelUnavailable(f"The chat model {self.name} wants a key: set TUNEDD_OPENAI_API_KEY.")
            case openai.NotFoundError():
                return ModelUnavailable(
                    f"Its server has no model {self.name!r}: set TUNEDD_CHAT_MODEL to one that it has."
                )
            case openai.APIConnectionError():
                return ModelUnavailable(f"The server of the chat model {self.name} cannot be reached.")
            case openai.APIStatusError():
                return ModelUnavailable(f"The chat model {self.name} refused the question: {error.message}")
            case _:
                return ModelUnavailable(f"The chat model {self.name} failed: {error}")


class AbsentModel:
    """A chat model that is not on this machine: everything but answering works."""

    calls_tools = False
    places = 1
    prompt_tokens = 0

    def __init__(self, name: str, reason: SetupError) -> None:
        self.name = name
        self._reason = reason

    def pipeline(self) -> Pipeline:
        raise ModelUnavailable(self._reason.message)

    async def check(self) -> None:
        self.pipeline()

    def describe(self, error: BaseException) -> ModelUnavailable:
        return ModelUnavailable(str(error))


@asynccontextmanager
async def open_chat_model(settings: Settings, weights: Weights) -> AsyncIterator[ServedModel]:
    """The chat model of the settings; one that runs here is kept up while the block lasts."""
    scheme, _, rest = settings.chat_model.partition(":")
    match scheme:
        case "echo":
            yield RemoteModel("echo", MockChatGenerator(), settings)
        case "openai+https" | "openai+http":
            yield _remote(settings)
        case "llama" if rest:
            from tunedd_api.backends.llama_server import LlamaServer

            if find_spec("xllamacpp") is None:
                raise MissingExtra.named("xllamacpp", "embedded")
            try:
                server = LlamaServer(_llama(rest, weights.file(rest), settings))
            except ModelMissing as error:
                yield AbsentModel(rest, error)
                return
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(server.run)
                try:
                    yield server
                finally:
                    tasks.cancel_scope.cancel()
        case _:
            raise UnknownChatModel


def _remote(settings: Settings) -> RemoteModel:
    url = urlsplit(settings.chat_model.removeprefix("openai+"))
    name = parse_qs(url.query).get("model", [""])[0]
    if not name or not url.hostname:
        raise UnknownChatModel
    key = settings.openai_api_key
    generator = OpenAIChatGenerator(
        api_key=Secret.from_token(key.get_secret_value() if key else NO_KEY),
        model=name,
        api_base_url=url._replace(query="").geturl(),
        generation_kwargs={
            "max_completion_tokens": settings.answer_tokens,
            "stream_options": {"include_usage": True},
        },
        timeout=settings.answer_timeout,
        max_retries=2,
    )
    return RemoteModel(name, generator, settings)


def _llama(name: str, file: Path, settings: Settings) -> "LlamaSettings":
    from tunedd_api.backends.llama_server import LlamaSettings

    return LlamaSettings(
        name=name,
        file=file,
        context_tokens=settings.context_tokens,
        answer_tokens=settings.answer_tokens,
        places=settings.chat_slots,
        threads=settings.threads or usable_cores(),
        timeout=settings.answer_timeout,
    )
