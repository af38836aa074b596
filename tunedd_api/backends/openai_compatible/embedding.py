"""Embeds on an OpenAI-compatible server."""

from collections.abc import Sequence

import openai
from haystack import Document as HaystackDocument
from haystack.components.embedders import OpenAIDocumentEmbedder, OpenAITextEmbedder

from tunedd_api.backends import api_failures
from tunedd_api.backends.asking import embedding_part
from tunedd_api.backends.openai_compatible.address import KEY, Address, key
from tunedd_api.backends.served_embedding import Known
from tunedd_api.backends.token_estimate import estimate_tokens
from tunedd_api.settings import Settings

FRAME = 2
"""Tokens that a model may put around a text."""
LONGEST_PASSAGE = 512
"""Tokens. The API does not say how much a model reads; nearly all read as much."""


class OpenAIEmbedding:
    """Fulfils `EmbeddingServer`."""

    doing: str | None = None
    tells_apart = False

    def __init__(self, address: Address, settings: Settings) -> None:
        self.part = embedding_part(address.model)
        self._url = address.url
        secret = key(settings)
        self._questions = OpenAITextEmbedder(
            api_key=secret,
            model=address.model,
            api_base_url=address.url,
            timeout=settings.embedding_timeout,
            max_retries=0,
        )
        self._passages = OpenAIDocumentEmbedder(
            api_key=secret,
            model=address.model,
            api_base_url=address.url,
            progress_bar=False,
            timeout=settings.embedding_timeout,
            max_retries=0,
            raise_on_failure=True,
        )

    async def learn(self) -> Known:
        vector = await self.embed_question("word")
        return Known(
            name=f"openai:{self.part.name}",
            dimension=len(vector),
            max_tokens=LONGEST_PASSAGE,
            count_tokens=lambda texts: [FRAME + estimate_tokens(text) for text in texts],
        )

    async def mend(self, error: BaseException | None, *, within: float) -> bool:
        """Nothing is brought onto these servers."""
        return False

    async def check(self) -> None:
        await self._questions.warm_up_async()
        assert self._questions.async_client
        await self._questions.async_client.models.list()

    async def embed_question(self, text: str) -> Sequence[float]:
        embedded = await self._questions.run_async(text=text)
        vector: list[float] = embedded["embedding"]
        return vector

    async def embed_passages(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        documents = [HaystackDocument(id=str(place), content=text) for place, text in enumerate(texts)]
        embedded = await self._passages.run_async(documents=documents)
        return [document.embedding or [] for document in embedded["documents"]]

    def explain(self, error: BaseException) -> str:
        return api_failures.explain(error, self.part, openai, KEY)

    def comes_back_after(self, error: BaseException) -> bool:
        return api_failures.comes_back_after(error, openai)

    async def aclose(self) -> None:
        await self._questions.close_async()
        await self._passages.close_async()
