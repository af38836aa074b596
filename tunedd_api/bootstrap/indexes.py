"""Opens the index that serves, and decides whether another must be built beside it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from hashlib import sha256

import structlog

from tunedd_api.backends.cores import usable_cores
from tunedd_api.backends.embedding import Embedder, choose_embedder
from tunedd_api.backends.model_files.weights import Weights
from tunedd_api.backends.passages import discard_other_passages, discard_passages, open_passages
from tunedd_api.backends.stores import PassageStore
from tunedd_api.errors import SetupError, Unavailable
from tunedd_api.library.agreement import agree
from tunedd_api.library.cutting.passages import CUT
from tunedd_api.library.index_records import SqlIndexRecords
from tunedd_api.library.indexes import Index, Indexes
from tunedd_api.library.indexing import Indexing
from tunedd_api.library.model import IndexRow
from tunedd_api.library.retrieval import Retrieval
from tunedd_api.settings import Settings

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_indexes(
    settings: Settings, weights: Weights, records: SqlIndexRecords, *, builds: bool, anew: bool = False
) -> AsyncIterator[Indexes]:
    """
    The index that serves, with the one that is to replace it if the settings ask for another.

    Without `builds` the first alone, as it is. With `anew` another is built although this one fits.
    """
    async with AsyncExitStack() as stack:
        opening = _Opening(settings, weights, stack)
        rows = await records.all()
        if builds:
            rows = await _Choice(opening, records).rows(rows, anew=anew)
            await opening.discard_others(rows)
        elif rows:
            await _Choice(opening, records).verify(rows[0])
        serving = await opening.index(rows[0] if rows else opening.wanted())
        indexes = Indexes(
            records=records,
            serving=serving,
            building=await opening.index(rows[1]) if builds and len(rows) > 1 else None,
            discard=opening.discard,
        )
        if serving.search is not None:
            await serving.search.warm_up()
        yield indexes


class _Opening:
    """Opens each store and each embedding model once."""

    def __init__(self, settings: Settings, weights: Weights, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._weights = weights
        self._stack = stack
        self.outdated: set[str] = set()
        """Stamps of indexes whose embedding model was replaced under its name."""
        self._embedders: dict[str, Embedder] = {}
        self._stores: dict[str, PassageStore] = {}

    def wanted(self) -> IndexRow:
        """The index that the settings ask for."""
        model = self.embedder(self._settings.embedding_model).model
        return IndexRow(
            stamp=f"{model.name}/{model.dimension}/{CUT}",
            embedder=model.name,
            dimension=model.dimension,
            cut=CUT,
            model=self._settings.embedding_model,
            place="",
            serving=True,
        )

    def embedder(self, model: str) -> Embedder:
        if model not in self._embedders:
            threads = self._settings.threads or usable_cores()
            self._embedders[model] = choose_embedder(model, self._weights, threads=threads)
        return self._embedders[model]

    async def store(self, row: IndexRow) -> PassageStore:
        if row.place not in self._stores:
            passages = open_passages(
                self._settings.passages_url, self._settings.home, dimension=row.dimension, place=row.place
            )
            self._stores[row.place] = await self._stack.enter_async_context(passages)
        return self._stores[row.place]

    async def index(self, row: IndexRow) -> Index:
        passages = await self.store(row)
        try:
            embedder = self.embedder(row.model)
            searchable = embedder.model.name == row.embedder and row.stamp not in self.outdated
        except SetupError as error:
            log.warning("index.model_missing", model=row.model, reason=error.message)
            embedder, searchable = self.embedder(self._settings.embedding_model), False
        retrieval = Retrieval(embedder=embedder.text(), dense=passages.dense, lexical=passages.lexical)
        return Index(
            row=row,
            embedding=embedder.model,
            indexing=Indexing(embedder.documents(), passages.store),
            search=retrieval if searchable else None,
        )

    async def discard_others(self, rows: Sequence[IndexRow]) -> None:
        """What an indexing process has left that was stopped before it had switched or cleared away."""
        places = [row.place for row in rows]
        await discard_other_passages(self._settings.passages_url, self._settings.home, places)

    async def discard(self, row: IndexRow) -> None:
        if row.place in self._stores:
            await self._stores.pop(row.place).close()
        try:
            await discard_passages(self._settings.passages_url, self._settings.home, row.place)
        except OSError as error:
            log.warning("index.not_discarded", stamp=row.stamp, reason=error.strerror)


class _Choice:
    """Which indexes there have to be: the one that serves, then the one that is to replace it, if any."""

    def __init__(self, opening: _Opening, records: SqlIndexRecords) -> None:
        self._opening = opening
        self._records = records

    async def rows(self, rows: Sequence[IndexRow], *, anew: bool) -> list[IndexRow]:
        wanted = self._opening.wanted()
        if not rows:
            await self._records.add(wanted)
            return [wanted]
        serving, building = rows[0], next(iter(rows[1:]), None)
        if not anew and await self._agrees(serving, wanted):
            if building is not None:
                await self._drop(building)
            if (serving.embedder, serving.model) != (wanted.embedder, wanted.model):
                await self._records.adopt(serving.stamp, embedder=wanted.embedder, model=wanted.model)
                log.info("index.adopted", stamp=serving.stamp, model=wanted.model)
            return [replace(serving, embedder=wanted.embedder, model=wanted.model)]
        # By its name too: an empty store agrees with every model.
        fits = building and (building.embedder, building.model) == (wanted.embedder, wanted.model)
        if building is None or not (fits and await self._agrees(building, wanted)):
            if building is not None:
                await self._drop(building)
            building = _another(wanted, {row.stamp for row in rows})
            await self._records.add(building)
            log.info("index.building", stamp=building.stamp, instead_of=serving.stamp)
        return [serving, building]

    async def verify(self, row: IndexRow) -> None:
        """Notes whether its model was replaced under its name, for those who only read it."""
        with suppress(SetupError):
            await self._agrees(row, row)

    async def _agrees(self, row: IndexRow, wanted: IndexRow) -> bool:
        """The name alone proves nothing: a model may have been replaced under it."""
        if (row.dimension, row.cut) != (wanted.dimension, wanted.cut):
            return False
        try:
            embedder = self._opening.embedder(wanted.model).documents()
            agreed = await agree(embedder, (await self._opening.store(row)).store)
        except Unavailable:
            # An embedder that is not there now is believed by its name.
            return row.embedder == wanted.embedder
        if not agreed and row.embedder == wanted.embedder:
            log.warning("index.model_changed", model=wanted.model)
            self._opening.outdated.add(row.stamp)
        return agreed

    async def _drop(self, row: IndexRow) -> None:
        await self._records.drop(row.stamp)
        await self._opening.discard(row)


def _another(wanted: IndexRow, taken: set[str]) -> IndexRow:
    number = 1
    while (stamp := f"{wanted.stamp}#{number}" if number > 1 else wanted.stamp) in taken:
        number += 1
    place = f"index-{sha256(stamp.encode()).hexdigest()[:8]}"
    return replace(wanted, stamp=stamp, place=place, serving=False)
