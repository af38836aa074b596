"""Decides which indexes there have to be: by what the settings ask for and what stored vectors prove."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256

import structlog

from tunedd_api.bootstrap.index_stores import OpenIndexes
from tunedd_api.errors import SetupError, Unavailable
from tunedd_api.library.agreement import agree
from tunedd_api.library.index_records import SqlIndexRecords
from tunedd_api.library.model import IndexRow

log = structlog.get_logger(__name__)


class IndexChoice:
    """Which indexes there have to be: the one that serves, then the one that is to replace it, if any."""

    def __init__(self, stores: OpenIndexes, records: SqlIndexRecords) -> None:
        self._stores = stores
        self._records = records

    async def rows(self, rows: Sequence[IndexRow], *, anew: bool) -> list[IndexRow]:
        wanted = await self._stores.wanted(rows)
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
            embedder = (await self._stores.embedder(wanted.model)).documents()
            agreed = await agree(embedder, (await self._stores.store(row)).store)
        except Unavailable:
            # An embedder that is not there now is believed by its name.
            return row.embedder == wanted.embedder
        if not agreed and row.embedder == wanted.embedder:
            log.warning("index.model_changed", model=wanted.model)
            self._stores.outdated.add(row.stamp)
        return agreed

    async def _drop(self, row: IndexRow) -> None:
        await self._records.drop(row.stamp)
        await self._stores.discard(row)


def _another(wanted: IndexRow, taken: set[str]) -> IndexRow:
    number = 1
    while (stamp := f"{wanted.stamp}#{number}" if number > 1 else wanted.stamp) in taken:
        number += 1
    place = f"index-{sha256(stamp.encode()).hexdigest()[:8]}"
    return replace(wanted, stamp=stamp, place=place, serving=False)
