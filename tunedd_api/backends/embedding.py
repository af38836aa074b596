"""Embedding models by URL: the model, and the Haystack components over it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from tunedd_api.backends.mock_embedder import WordHashes
from tunedd_api.backends.model_files.weights import Weights
from tunedd_api.backends.onnx_embedder import MiniLM, OnnxDocumentEmbedder, OnnxTextEmbedder
from tunedd_api.errors import SetupError


class UnknownEmbeddingModel(SetupError):
    """TUNEDD_EMBEDDING_MODEL must be onnx:all-minilm-l6-v2, or mock: with or without a dimension."""


DIMENSIONS = range(1, 4097)


@dataclass(frozen=True, kw_only=True)
class Embedder:
    model: MiniLM | WordHashes
    """Its name, dimension and token count."""
    text: Callable[[], Any]
    """Makes the Haystack component that embeds a question; each belongs to one pipeline."""
    documents: Callable[[], Any]
    """Makes the one that embeds passages."""


def choose_embedder(url: str, weights: Weights, *, threads: int) -> Embedder:
    """An embedding model by its URL. Raises ModelMissing, which says how to fetch it."""
    scheme, _, name = url.partition(":")
    match scheme:
        case "onnx" if name == "all-minilm-l6-v2":
            model = MiniLM(weights.path(name), threads=threads)
            return Embedder(
                model=model,
                text=partial(OnnxTextEmbedder, model),
                documents=partial(OnnxDocumentEmbedder, model),
            )
        case "mock" if not name:
            return _mock(WordHashes())
        case "mock" if name.isascii() and name.isdigit() and int(name) in DIMENSIONS:
            return _mock(WordHashes(int(name)))
        case _:
            raise UnknownEmbeddingModel


def _mock(hashes: WordHashes) -> Embedder:
    from haystack.components.embedders import MockDocumentEmbedder, MockTextEmbedder

    return Embedder(
        model=hashes,
        text=partial(MockTextEmbedder, embedding_fn=hashes.vector),
        documents=partial(
            MockDocumentEmbedder, embedding_fn=hashes.vector, meta_fields_to_embed=["title", "section"]
        ),
    )
