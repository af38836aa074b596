"""Embedding models by URL: the model, and the Haystack components over it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any, Protocol

import anyio
import structlog
from anyio.abc import TaskGroup

from tunedd_api.backends.cores import usable_cores
from tunedd_api.backends.mock_embedder import WordHashes
from tunedd_api.backends.model_files.weights import Weights
from tunedd_api.backends.onnx_embedder import MiniLM, OnnxDocumentEmbedder, OnnxTextEmbedder
from tunedd_api.backends.served_embedders import ServedDocumentEmbedder, ServedTextEmbedder
from tunedd_api.backends.served_embedding import EmbeddingServer, ServedEmbedding
from tunedd_api.errors import EmbeddingUnavailable, MissingExtra, SetupError
from tunedd_api.settings import Settings

log = structlog.get_logger(__name__)

START_WITHIN = 20.0
"""Seconds for which a start waits for a model that is being pulled."""


DIMENSIONS = range(1, 4097)
FORMS = (
    "onnx:all-minilm-l6-v2, ollama://HOST:11434?model=NAME, openai+https://HOST/v1?model=NAME, "
    "or mock: with or without a dimension"
)


class UnknownEmbeddingModel(SetupError):
    """TUNEDD_EMBEDDING_MODEL is none of its forms."""

    def __init__(self) -> None:
        super().__init__(f"TUNEDD_EMBEDDING_MODEL must be {FORMS}.")


class EmbeddingModel(Protocol):
    """
    What is known of a model. One behind a server that was never reached raises EmbeddingUnavailable, save for
    what it was made to remember.
    """

    @property
    def name(self) -> str: ...
    @property
    def dimension(self) -> int: ...
    @property
    def max_tokens(self) -> int: ...
    def count_tokens(self, texts: Sequence[str]) -> list[int]: ...


@dataclass(frozen=True, kw_only=True)
class Embedder:
    model: EmbeddingModel
    text: Callable[[], Any]
    """Makes the Haystack component that embeds a question; each belongs to one pipeline."""
    documents: Callable[[], Any]
    """Makes the one that embeds passages."""
    check: Callable[[], Awaitable[None]]
    """Raises EmbeddingUnavailable or SetupError if nothing can be embedded now; takes 3 s at the most."""
    remember: Callable[[str, int], None]
    """Name and dimension of when the model was last there, for a start without its server."""
    replaced: Callable[[], bool]
    """Whether another model was seen to have its name: then it embeds nothing any more."""


@asynccontextmanager
async def open_embedder(
    url: str, settings: Settings, weights: Weights, tasks: TaskGroup, *, patience: float = START_WITHIN
) -> AsyncIterator[Embedder]:
    """
    An embedding model by its URL. Raises ModelMissing, which says how to fetch it.

    A server that is not there, or has no such model, is waited for in one of `tasks` while the block lasts,
    once it was tried for `patience` seconds. The block may be left by another task than entered it.
    """
    server = _server(url, settings)
    if server is None:
        yield choose_embedder(url, weights, threads=settings.threads or usable_cores())
        return
    model, connecting = ServedEmbedding(server), anyio.CancelScope()
    try:
        try:
            await model.start(within=patience)
        except EmbeddingUnavailable as error:
            log.warning("embedding.unavailable", reason=error.message)
            tasks.start_soon(_keep_connecting, model, connecting)
        yield _served(model)
    finally:
        connecting.cancel()
        with anyio.CancelScope(shield=True):
            await server.aclose()


async def _keep_connecting(model: ServedEmbedding, scope: anyio.CancelScope) -> None:
    with scope:
        await model.keep_connecting()


def _served(model: ServedEmbedding) -> Embedder:
    return Embedder(
        model=model,
        text=partial(ServedTextEmbedder, model),
        documents=partial(ServedDocumentEmbedder, model),
        check=model.check,
        remember=model.remember,
        replaced=lambda: model.replaced,
    )


def _server(url: str, settings: Settings) -> EmbeddingServer | None:
    """None for a model that runs in this process."""
    match url.partition(":")[0]:
        case "ollama" | "ollama+http" | "ollama+https":
            if any(find_spec(name) is None for name in ("ollama", "haystack_integrations", "tokenizers")):
                raise MissingExtra.named("ollama-haystack", "servers")
            from tunedd_api.backends.ollama import address as ollama_address
            from tunedd_api.backends.ollama.embedding import OllamaEmbedding

            if (there := ollama_address.parse(url)) is None:
                raise UnknownEmbeddingModel
            return OllamaEmbedding(there, settings)
        case "openai+http" | "openai+https":
            from tunedd_api.backends.openai_compatible import address as openai_address
            from tunedd_api.backends.openai_compatible.embedding import OpenAIEmbedding

            if (place := openai_address.parse(url)) is None:
                raise UnknownEmbeddingModel
            return OpenAIEmbedding(place, settings)
        case _:
            return None


def choose_embedder(url: str, weights: Weights, *, threads: int) -> Embedder:
    """One that runs in this process."""
    scheme, _, name = url.partition(":")
    match scheme:
        case "onnx" if name == "all-minilm-l6-v2":
            model = MiniLM(weights.path(name), threads=threads)
            return _local(model, partial(OnnxTextEmbedder, model), partial(OnnxDocumentEmbedder, model))
        case "mock" if not name:
            return _mock(WordHashes())
        case "mock" if name.isascii() and name.isdigit() and int(name) in DIMENSIONS:
            return _mock(WordHashes(int(name)))
        case _:
            raise UnknownEmbeddingModel


def _mock(hashes: WordHashes) -> Embedder:
    from haystack.components.embedders import MockDocumentEmbedder, MockTextEmbedder

    return _local(
        hashes,
        partial(MockTextEmbedder, embedding_fn=hashes.vector),
        partial(MockDocumentEmbedder, embedding_fn=hashes.vector, meta_fields_to_embed=["title", "section"]),
    )


def _local(model: EmbeddingModel, text: Callable[[], Any], documents: Callable[[], Any]) -> Embedder:
    async def there() -> None:
        """What runs in this process is always there."""

    return Embedder(
        model=model,
        text=text,
        documents=documents,
        check=there,
        remember=lambda name, dimension: None,
        replaced=lambda: False,
    )
