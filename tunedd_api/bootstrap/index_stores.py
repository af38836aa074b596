"""Opens the stores and the embedding models of indexes, each once, and closes or discards them."""

from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial

import structlog
from anyio.abc import TaskGroup

from tunedd_api.backends.embedding import Embedder, open_embedder
from tunedd_api.backends.model_files.weights import Weights
from tunedd_api.backends.passages import (
    discard_other_passages,
    discard_passages,
    open_passages,
    serve_passages,
)
from tunedd_api.backends.stores import PassageStore
from tunedd_api.errors import SetupError, Unavailable
from tunedd_api.library.cutting.passages import CUT
from tunedd_api.library.indexes import Index
from tunedd_api.library.indexing import Indexing
from tunedd_api.library.model import IndexRow
from tunedd_api.library.retrieval import Retrieval
from tunedd_api.measures import Measures
from tunedd_api.settings import Settings

log = structlog.get_logger(__name__)


class OpenIndexes:
    """
    Fulfils `IndexStores`. Everything is closed with `stack` at the latest, and what runs beside it runs in
    `tasks`: an index may be opened by a task that ends long before.
    """

    def __init__(
        self,
        settings: Settings,
        weights: Weights,
        measures: Measures,
        *,
        stack: AsyncExitStack,
        tasks: TaskGroup,
    ) -> None:
        self._settings = settings
        self._weights = weights
        self._measures = measures
        self._stack = stack
        self._tasks = tasks
        self.outdated: set[str] = set()
        """Stamps of indexes whose embedding model was replaced under its name."""
        self._embedders: dict[str, Embedder] = {}
        self._stores: dict[str, PassageStore] = {}

    async def wanted(self, known: Sequence[IndexRow] = ()) -> IndexRow:
        """
        The index that the settings ask for. A model whose server is not there is taken to be what it was for
        the `known` indexes; one that none of them was made with raises EmbeddingUnavailable.
        """
        embedder = await self.embedder(self._settings.embedding_model)
        for row in known:
            if row.model == self._settings.embedding_model:
                embedder.remember(row.embedder, row.dimension)
        model = embedder.model
        return IndexRow(
            stamp=f"{model.name}/{model.dimension}/{CUT}",
            embedder=model.name,
            dimension=model.dimension,
            cut=CUT,
            model=self._settings.embedding_model,
            place="",
            serving=True,
        )

    async def embedder(self, model: str) -> Embedder:
        if model not in self._embedders or self._embedders[model].replaced():
            opening = open_embedder(model, self._settings, self._weights, self._tasks)
            self._embedders[model] = await self._stack.enter_async_context(opening)
        return self._embedders[model]

    async def store(self, row: IndexRow) -> PassageStore:
        if row.place not in self._stores:
            passages = open_passages(
                self._settings.passages_url,
                self._settings.home,
                dimension=row.dimension,
                place=row.place,
                api_key=self._settings.weaviate_api_key,
            )
            self._stores[row.place] = await self._stack.enter_async_context(passages)
        return self._stores[row.place]

    async def open(self, row: IndexRow) -> Index:
        passages = await self.store(row)
        try:
            embedder = await self._embedder_of(row)
            searchable = embedder.model.name == row.embedder and row.stamp not in self.outdated
        except SetupError as error:
            log.warning("index.model_missing", model=row.model, reason=error.message)
            embedder, searchable = await self.embedder(self._settings.embedding_model), False
        retrieval = Retrieval(embedder=embedder.text(), **passages.searches)
        return Index(
            row=row,
            embedding=embedder.model,
            indexing=Indexing(embedder.documents(), passages.store, self._measures),
            search=retrieval if searchable else None,
            checks={"passages": passages.check, "embedding model": embedder.check},
        )

    async def _embedder_of(self, row: IndexRow) -> Embedder:
        embedder = await self.embedder(row.model)
        embedder.remember(row.embedder, row.dimension)
        if embedder.model.name != row.embedder:
            # Replaced on its server, perhaps, and another process has begun an index for the new one.
            with suppress(Unavailable, SetupError):
                await embedder.check()
            embedder = await self.embedder(row.model)
        return embedder

    async def serve(self, row: IndexRow) -> None:
        """Tells a server of passages which index serves, for those who look there."""
        await serve_passages(self._settings.passages_url, row.place, api_key=self._settings.weaviate_api_key)

    async def close(self, row: IndexRow) -> None:
        if row.place in self._stores:
            await self._stores.pop(row.place).close()

    async def discard(self, row: IndexRow) -> None:
        await self.close(row)
        discard = partial(
            discard_passages,
            self._settings.passages_url,
            self._settings.home,
            row.place,
            api_key=self._settings.weaviate_api_key,
        )
        try:
            await discard()
        except OSError as error:
            log.warning("index.not_discarded", stamp=row.stamp, reason=error.strerror)

    async def discard_others(self, rows: Sequence[IndexRow]) -> None:
        """What an indexing process has left that was stopped before it had switched or cleared away."""
        places = [row.place for row in rows]
        await discard_other_passages(
            self._settings.passages_url, self._settings.home, places, api_key=self._settings.weaviate_api_key
        )
