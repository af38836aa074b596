"""The Haystack components over an embedding model behind a server. They are asynchronous only."""

from array import array
from dataclasses import replace
from typing import Any

from haystack import Document as HaystackDocument
from haystack import component

from tunedd_api.backends.served_embedding import ServedEmbedding

META_FIELDS = ("title", "section")
"""Stand in front of a passage's text, a line each, as the cut counts them."""
ASYNC_ONLY = "This embedder is asynchronous: its pipeline is run with run_async."


@component
class ServedTextEmbedder:
    """Embeds a question."""

    def __init__(self, model: ServedEmbedding) -> None:
        self.model = model

    @component.output_types(embedding=list[float])
    def run(self, text: str) -> dict[str, Any]:
        raise NotImplementedError(ASYNC_ONLY)

    @component.output_types(embedding=list[float])
    async def run_async(self, text: str) -> dict[str, Any]:
        # Half of a surrogate pair, which a client may send, cannot be sent on.
        return {"embedding": await self.model.question(text.encode(errors="replace").decode())}


@component
class ServedDocumentEmbedder:
    """Embeds passages, each with title and section in front."""

    def __init__(self, model: ServedEmbedding) -> None:
        self.model = model

    @component.output_types(documents=list[HaystackDocument])
    def run(self, documents: list[HaystackDocument]) -> dict[str, Any]:
        raise NotImplementedError(ASYNC_ONLY)

    @component.output_types(documents=list[HaystackDocument])
    async def run_async(self, documents: list[HaystackDocument]) -> dict[str, Any]:
        if not documents:
            return {"documents": []}
        vectors = await self.model.passages([_text(document) for document in documents])
        # Floats in a row: a pipeline copies what it hands on, and copies these in a tenth of the time.
        embedded = [
            replace(document, embedding=array("f", vector))  # type: ignore[arg-type]
            for document, vector in zip(documents, vectors, strict=True)
        ]
        return {"documents": embedded}


def _text(document: HaystackDocument) -> str:
    fields = [document.meta.get(name) for name in META_FIELDS]
    return "\n".join([*(str(field) for field in fields if field), document.content or ""])
