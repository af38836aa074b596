"""Embeds on an Ollama server."""

from collections.abc import Sequence
from typing import cast

import anyio
import httpx
import numpy as np
import structlog
from haystack_integrations.components.embedders.ollama import OllamaTextEmbedder
from ollama import AsyncClient, ResponseError

from tunedd_api.backends.asking import CONNECT_WITHIN, embedding_part
from tunedd_api.backends.model_identity import ModelReplaced
from tunedd_api.backends.ollama.address import Address
from tunedd_api.backends.ollama.failures import comes_back_after, explain, is_missing, is_too_long
from tunedd_api.backends.ollama.server import OllamaServer, keep_alive
from tunedd_api.backends.ollama.vocabulary import counter
from tunedd_api.backends.served_embedding import Known
from tunedd_api.errors import leaves
from tunedd_api.settings import Settings

log = structlog.get_logger(__name__)

BATCH = 8
"""Passages of one request. Ollama embeds them one by one: larger batches gain nothing, and a question has to
wait until those that came before it are done."""
AT_A_TIME = 2
"""Requests under way: while one travels, the other keeps Ollama busy."""
LONGEST_PASSAGE = 512
"""Tokens, of models that read more: longer passages than the cut makes."""
DIGEST = 12
"""Letters of a model's digest that are part of its name."""


class OllamaEmbedding:
    """
    Fulfils `EmbeddingServer`.

    Passages do not go through Haystack's OllamaDocumentEmbedder, because it lets Ollama cut what is too long,
    hides every error behind a RuntimeError without a cause, and sends all its batches at once.
    """

    tells_apart = True

    def __init__(self, address: Address, settings: Settings) -> None:
        self.part = embedding_part(address.model)
        self._pulls = settings.ollama_pull
        self._server = OllamaServer(address)
        self._keep_alive = keep_alive(settings)
        self._digest = ""
        timeout = httpx.Timeout(settings.embedding_timeout, connect=CONNECT_WITHIN)
        self._client = AsyncClient(host=address.url, timeout=timeout)
        self._questions = OllamaTextEmbedder(
            model=address.model,
            url=address.url,
            timeout=timeout,  # type: ignore[arg-type]  # handed on to httpx as it is
            keep_alive=self._keep_alive,
        )
        self._places = anyio.CapacityLimiter(AT_A_TIME)

    @property
    def doing(self) -> str | None:
        return self._server.pulling

    async def learn(self) -> Known:
        facts = await self._server.facts(vocabulary=True)
        vector = await self.embed_question("word")
        self._digest = facts.digest
        return Known(
            name=f"ollama:{self.part.name}@{facts.digest[:DIGEST]}",
            dimension=len(vector),
            max_tokens=min(facts.set_tokens or facts.context_tokens, facts.context_tokens, LONGEST_PASSAGE),
            count_tokens=counter(facts.tokenizer)[0],
        )

    async def mend(self, error: BaseException | None, *, within: float) -> bool:
        if self._pulls and error is not None and is_missing(error):
            await self._server.pull(within=within)
            return True
        return False

    async def check(self) -> None:
        """Raises ModelReplaced too. Takes a thousandth of a second."""
        if await self._server.digest() != self._digest:
            raise ModelReplaced

    async def embed_question(self, text: str) -> Sequence[float]:
        """Of a question that is longer than the model reads the end is left out."""
        embedded = await self._questions.run_async(text=text)
        return cast(list[float], embedded["embedding"])

    async def embed_passages(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
        vectors: list[Sequence[Sequence[float]]] = [()] * len(batches)

        async def embed(place: int) -> None:
            async with self._places:
                vectors[place] = await self._embed(batches[place])

        try:
            async with anyio.create_task_group() as tasks:
                for place in range(len(batches)):
                    tasks.start_soon(embed, place)
        except ExceptionGroup as group:
            raise next(leaves(group)) from None
        return [vector for batch in vectors for vector in batch]

    def explain(self, error: BaseException) -> str:
        return explain(error, self.part, self._server.url)

    def comes_back_after(self, error: BaseException) -> bool:
        return comes_back_after(error)

    async def aclose(self) -> None:
        await self._client.close()  # type: ignore[no-untyped-call]  # the client is typed but for this
        await self._questions.close_async()
        await self._server.aclose()

    async def _embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        try:
            answer = await self._client.embed(
                model=self.part.name, input=texts, truncate=False, keep_alive=self._keep_alive
            )
        except ResponseError as error:
            if not is_too_long(error):
                raise
        else:
            return answer.embeddings
        if len(texts) > 1:
            return [vector for text in texts for vector in await self._embed([text])]
        return [await self._in_halves(texts[0])]

    async def _in_halves(self, text: str) -> Sequence[float]:
        """The mean of both halves: for the rare text whose tokens were counted too low."""
        log.info("embedding.halved", model=self.part.name, characters=len(text))
        middle = text.find(" ", len(text) // 2) + 1 or max(1, len(text) // 2)
        mean = np.mean(await self._embed([text[:middle], text[middle:]]), axis=0)
        vector: list[float] = (mean / np.linalg.norm(mean)).tolist()
        return vector
