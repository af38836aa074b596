"""Embedders and chat models for tests: each kind that there is, over servers or stand-ins."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.servers import model_apis
from tests.servers.ollama import CHAT_MODEL, EMBEDDING_MODEL
from tests.servers.standin import Route, StandIn, standing_in
from tests.world import weightless
from tunedd_api.backends.embedding import Embedder, open_embedder
from tunedd_api.backends.model_files.weights import ModelMissing, Weights
from tunedd_api.backends.models import ServedModel, open_chat_model
from tunedd_api.bootstrap.owned_tasks import owned_tasks
from tunedd_api.errors import EmbeddingUnavailable, ModelUnavailable
from tunedd_api.settings import Settings

TINY = "smollm2-135m-instruct"
EMBEDDERS = ["mock", "onnx", "ollama", "ollama stand-in", "openai stand-in"]
CHAT_MODELS = ["echo", "llama", "ollama", "ollama stand-in", "openai stand-in", "anthropic stand-in"]
LOADS_WITHIN = 120.0
"""Seconds."""


def as_ollama(url: str, model: str) -> str:
    """The setting for a server at `http://HOST:PORT`."""
    return f"{url.replace('http', 'ollama', 1)}?model={model}"


@asynccontextmanager
async def embedder_of(kind: str, home: Path, request: pytest.FixtureRequest) -> AsyncIterator[Embedder]:
    weights: Path = request.getfixturevalue("models") if kind == "onnx" else home
    if kind == "onnx":
        await Weights(weights).pull("all-minilm-l6-v2")
    async with AsyncExitStack() as stack:
        match kind:
            case "mock":
                url = "mock:"
            case "onnx":
                url = "onnx:all-minilm-l6-v2"
            case "ollama":
                url = as_ollama(request.getfixturevalue("ollama_server"), EMBEDDING_MODEL)
            case "ollama stand-in":
                server = await stack.enter_async_context(standing_in(model_apis.ollama("some-model:latest")))
                url = f"ollama://127.0.0.1:{server.port}?model=some-model"
            case _:
                server = await stack.enter_async_context(standing_in(model_apis.openai()))
                url = f"openai+http://127.0.0.1:{server.port}/v1?model=some-model"
        yield await stack.enter_async_context(open_alone(url, weightless(home), Weights(weights)))


@asynccontextmanager
async def open_alone(
    url: str, settings: Settings, weights: Weights, **options: Any
) -> AsyncIterator[Embedder]:
    """An embedder, with the tasks that the service would have for it."""
    async with owned_tasks() as tasks, open_embedder(url, settings, weights, tasks, **options) as embedder:
        yield embedder


@asynccontextmanager
async def chat_model_of(kind: str, home: Path, request: pytest.FixtureRequest) -> AsyncIterator[ServedModel]:
    """One that is ready to answer."""
    weights: Path = request.getfixturevalue("models") if kind == "llama" else home
    if kind == "llama":
        _skip_without_tiny_model(weights)
    async with AsyncExitStack() as stack:
        match kind:
            case "echo":
                url = "echo:"
            case "llama":
                url = f"llama:{TINY}"
            case "ollama":
                url = as_ollama(request.getfixturevalue("ollama_server"), CHAT_MODEL)
            case _:
                api, scheme, path = STAND_INS[kind]
                server = await stack.enter_async_context(standing_in(api()))
                url = f"{scheme}://127.0.0.1:{server.port}{path}?model=some-model"
        settings = weightless(home, chat_model=url, answer_tokens=40, context_tokens=2048)
        model = await stack.enter_async_context(open_chat_model(settings, Weights(weights)))
        await there(model)
        yield model


STAND_INS: dict[str, tuple[Callable[[], dict[str, Route]], str, str]] = {
    "ollama stand-in": (lambda: model_apis.ollama("some-model:latest"), "ollama", ""),
    "openai stand-in": (model_apis.openai, "openai+http", "/v1"),
    "anthropic stand-in": (model_apis.anthropic, "anthropic+http", ""),
}


def _skip_without_tiny_model(weights: Path) -> None:
    try:
        Weights(weights).file(TINY)
    except ModelMissing as error:
        pytest.skip(error.message)


async def there(model: ServedModel | Embedder) -> None:
    """Returns once the model can answer."""
    with anyio.fail_after(LOADS_WITHIN):
        while True:
            try:
                await model.check()
                return
            except (ModelUnavailable, EmbeddingUnavailable):
                await anyio.sleep(0.02)


@asynccontextmanager
async def ollama_stand_in(*models: str, **shown: Any) -> AsyncIterator[StandIn]:
    async with standing_in(model_apis.ollama(*models, **shown)) as server:
        yield server
