"""Embedding models by URL: the model, and the Haystack components over it."""

from dataclasses import dataclass
from typing import Any

from tunedd_api.backends.mock_embedder import WordHashes
from tunedd_api.backends.model_files.weights import Weights
from tunedd_api.backends.onnx_embedder import MiniLM, OnnxDocumentEmbedder, OnnxTextEmbedder
from tunedd_api.errors import SetupError
from tunedd_api.settings import Settings


class UnknownEmbeddingModel(SetupError):
    """TUNEDD_EMBEDDING_MODEL must be onnx:all-minilm-l6-v2 or mock:."""


@dataclass(frozen=True, kw_only=True)
class Embedder:
    model: MiniLM | WordHashes
    """Its name, dimension and token count."""
    text: Any
    """The Haystack component that embeds a question."""
    documents: Any
    """The Haystack component that embeds passages."""


def choose_embedder(settings: Settings, weights: Weights, *, threads: int) -> Embedder:
    """The embedding model of the settings. Raises ModelMissing, which says how to fetch it."""
    scheme, _, name = settings.embedding_model.partition(":")
    match scheme:
        case "onnx" if name == "all-minilm-l6-v2":
            model = MiniLM(weights.path(name), threads=threads)
            return Embedder(model=model, text=OnnxTextEmbedder(model), documents=OnnxDocumentEmbedder(model))
        case "mock":
            return _mock()
        case _:
            raise UnknownEmbeddingModel


def _mock() -> Embedder:
    from haystack.components.embedders import MockDocumentEmbedder, MockTextEmbedder

    hashes = WordHashes()
    return Embedder(
        model=hashes,
        text=MockTextEmbedder(embedding_fn=hashes.vector),
        documents=MockDocumentEmbedder(embedding_fn=hashes.vector, meta_fields_to_embed=["title", "section"]),
    )
