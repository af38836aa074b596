"""What the stock components make of the same servers by default: read, split by 200 words, embed, write."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from haystack import Pipeline
from haystack.components.converters import PyPDFToDocument
from haystack.components.preprocessors import DocumentCleaner, DocumentSplitter
from haystack.components.writers import DocumentWriter

NAME = "PlainScript"
"""Of its collection."""


class PlainScript:
    """Haystack's own components for Ollama and Weaviate, with their defaults."""

    def __init__(self, passages_url: str, ollama: str, model: str) -> None:
        from haystack_integrations.components.embedders.ollama import OllamaDocumentEmbedder
        from haystack_integrations.document_stores.weaviate import WeaviateDocumentStore

        # It tells of each font that it lacks a library for.
        logging.getLogger("pypdf").setLevel(logging.ERROR)
        server = urlsplit(passages_url)
        grpc = int(parse_qs(server.query)["grpc"][0])
        self.store = WeaviateDocumentStore(
            url=f"http://{server.hostname}:{server.port}",
            grpc_port=grpc,
            collection_settings={"class": NAME},
        )
        self._pipeline = Pipeline()
        self._pipeline.add_component("convert", PyPDFToDocument())
        self._pipeline.add_component("clean", DocumentCleaner())
        self._pipeline.add_component("split", DocumentSplitter(split_by="word", split_length=200))
        embedder = OllamaDocumentEmbedder(model=model, url=f"http://{ollama}", progress_bar=False)
        self._pipeline.add_component("embed", embedder)
        self._pipeline.add_component("write", DocumentWriter(self.store))
        for one, other in (("convert", "clean"), ("clean", "split"), ("split", "embed"), ("embed", "write")):
            self._pipeline.connect(one, other)

    def index(self, files: Sequence[Path]) -> int:
        """Number of passages."""
        written: int = self._pipeline.run({"convert": {"sources": list(files)}})["write"]["documents_written"]
        return written

    def discard(self) -> None:
        self.store.client.collections.delete(NAME)
        self.store.close()


async def embed_all(ollama: str, model: str, texts: Sequence[str], *, batch: int, at_a_time: int) -> None:
    """Ollama alone, through its bare client."""
    from ollama import AsyncClient

    rest = iter([list(texts[start : start + batch]) for start in range(0, len(texts), batch)])
    async with AsyncClient(host=f"http://{ollama}", timeout=600) as client:

        async def work() -> None:
            for some in rest:
                await client.embed(model=model, input=some)

        await asyncio.gather(*(work() for _ in range(at_a_time)))
