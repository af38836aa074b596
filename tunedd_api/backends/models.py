"""Chat models by URL, as Haystack pipelines with one component, `llm`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

import anyio

from tunedd_api.backends import model_url
from tunedd_api.backends.chat_models.echo import EchoModel
from tunedd_api.backends.chat_models.served import AbsentModel, ServedModel
from tunedd_api.backends.cores import usable_cores
from tunedd_api.backends.model_files.weights import ModelMissing, Weights
from tunedd_api.errors import MissingExtra, SetupError
from tunedd_api.settings import Settings

if TYPE_CHECKING:
    from tunedd_api.backends.chat_models.api import ApiModel
    from tunedd_api.backends.llama_server import LlamaSettings

__all__ = ["AbsentModel", "ServedModel", "UnknownChatModel", "open_chat_model"]

ANTHROPIC = {"anthropic": None, "anthropic+http": "http", "anthropic+https": "https"}


FORMS = (
    "llama:NAME, ollama://HOST:11434?model=NAME, openai+https://HOST/v1?model=NAME, anthropic:?model=NAME, "
    "or echo:, which repeats the prompt"
)


class UnknownChatModel(SetupError):
    """TUNEDD_CHAT_MODEL is none of its forms."""

    def __init__(self) -> None:
        super().__init__(f"TUNEDD_CHAT_MODEL must be {FORMS}.")


@asynccontextmanager
async def open_chat_model(settings: Settings, weights: Weights) -> AsyncIterator[ServedModel]:
    """
    The chat model of the settings, until the block ends. One that runs here is kept up meanwhile, one on a
    server is waited for if it is not there.
    """
    scheme, _, rest = settings.chat_model.partition(":")
    match scheme:
        case "echo":
            yield EchoModel(settings)
        case "openai+https" | "openai+http":
            async with _closed(_openai(settings)) as model:
                yield model
        case "anthropic" | "anthropic+https" | "anthropic+http":
            async with _closed(_anthropic(settings)) as model:
                yield model
        case "ollama" | "ollama+http" | "ollama+https":
            async with _ollama(settings) as served:
                yield served
        case "llama" if rest:
            async with _llama(rest, settings, weights) as served:
                yield served
        case _:
            raise UnknownChatModel


@asynccontextmanager
async def _closed(model: "ApiModel") -> AsyncIterator["ApiModel"]:
    try:
        yield model
    finally:
        with anyio.CancelScope(shield=True):
            await model.aclose()


def _openai(settings: Settings) -> "ApiModel":
    from tunedd_api.backends.openai_compatible.address import parse
    from tunedd_api.backends.openai_compatible.chat import openai_model

    if (address := parse(settings.chat_model)) is None:
        raise UnknownChatModel
    return openai_model(address, settings)


def _anthropic(settings: Settings) -> "ApiModel":
    try:
        from tunedd_api.backends.anthropic_chat import anthropic_model
    except ImportError as error:
        raise MissingExtra.named("anthropic-haystack", "anthropic") from error

    if (found := model_url.split(settings.chat_model)) is None:
        raise UnknownChatModel
    parts, name = found
    scheme = ANTHROPIC[parts.scheme]
    if not name or bool(scheme) != bool(parts.hostname):
        raise UnknownChatModel
    url = parts._replace(scheme=scheme, query="").geturl() if scheme else None
    return anthropic_model(name, url, settings)


@asynccontextmanager
async def _ollama(settings: Settings) -> AsyncIterator[ServedModel]:
    if find_spec("ollama") is None or find_spec("haystack_integrations") is None:
        raise MissingExtra.named("ollama-haystack", "servers")
    from tunedd_api.backends.ollama.address import parse
    from tunedd_api.backends.ollama.chat import OllamaChat

    if (address := parse(settings.chat_model)) is None:
        raise UnknownChatModel
    model = OllamaChat(address, settings)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(model.run)
        try:
            yield model
        finally:
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await model.aclose()


@asynccontextmanager
async def _llama(name: str, settings: Settings, weights: Weights) -> AsyncIterator[ServedModel]:
    from tunedd_api.backends.llama_server import LlamaServer

    if find_spec("xllamacpp") is None:
        raise MissingExtra.named("xllamacpp", "embedded")
    try:
        server = LlamaServer(_llama_settings(name, settings, weights))
    except ModelMissing as error:
        yield AbsentModel(name, error)
        return
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.run)
        try:
            yield server
        finally:
            tasks.cancel_scope.cancel()


def _llama_settings(name: str, settings: Settings, weights: Weights) -> "LlamaSettings":
    from tunedd_api.backends.llama_server import LlamaSettings

    return LlamaSettings(
        name=name,
        file=weights.file(name),
        context_tokens=settings.context_tokens,
        answer_tokens=settings.answer_tokens,
        places=settings.chat_slots,
        threads=settings.threads or usable_cores(),
        timeout=settings.answer_timeout,
    )
