"""The index that serves, and the one that is built beside it if the settings ask for another."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import anyio
import structlog

from tunedd_api.backends.database import Database
from tunedd_api.backends.model_files.weights import Weights
from tunedd_api.bootstrap.index_choice import IndexChoice
from tunedd_api.bootstrap.index_stores import OpenIndexes
from tunedd_api.bootstrap.owned_tasks import owned_tasks
from tunedd_api.errors import SetupError, Unavailable
from tunedd_api.library.index_records import SqlIndexRecords
from tunedd_api.library.indexes import CHOOSING, Indexes
from tunedd_api.library.model import IndexRow
from tunedd_api.measures import Measures
from tunedd_api.settings import Settings

log = structlog.get_logger(__name__)

GRACE = 10.0
"""Seconds that other processes get to take note of a switch before the old store is deleted."""


@asynccontextmanager
async def open_indexes(
    settings: Settings,
    weights: Weights,
    database: Database,
    measures: Measures,
    *,
    builds: bool,
    anew: bool = False,
    grace: float = GRACE,
) -> AsyncIterator[Indexes]:
    """
    The index that serves, with the one that is to replace it if the settings ask for another.

    Without `builds` the first alone, as it is. With `anew` another is built although this one fits.
    """
    records = SqlIndexRecords(database)
    # The tasks end first: they work with what the stack closes.
    async with AsyncExitStack() as stack, owned_tasks() as tasks:
        stores = OpenIndexes(settings, weights, measures, stack=stack, tasks=tasks)
        choice = IndexChoice(stores, records)
        if builds:
            async with database.exclusive(CHOOSING):
                rows = await choice.rows(await records.all(), anew=anew)
                if not database.shared:
                    await stores.discard_others(rows)
        elif rows := await records.all():
            await choice.verify(rows[0])
        serving = await stores.open(rows[0] if rows else await stores.wanted())
        if builds:
            await stores.serve(serving.row)
            if database.shared:
                tasks.start_soon(partial(_clear_later, stores, records, database, rows, after=grace))
        indexes = Indexes(
            records=records,
            serving=serving,
            building=await stores.open(rows[1]) if builds and len(rows) > 1 else None,
            stores=stores,
            exclusive=database.exclusive,
            grace=grace if database.shared else 0.0,
        )
        if serving.search is not None:
            await serving.search.warm_up()
        yield indexes


async def _clear_later(
    stores: OpenIndexes,
    records: SqlIndexRecords,
    database: Database,
    known: Sequence[IndexRow],
    *,
    after: float,
) -> None:
    """
    Deletes what belonged to no index at the start, nor does a while later: of a switch just before the start
    other processes have taken note by then, and of one since then the process clears away that made it.
    """
    while True:
        await anyio.sleep(after)
        try:
            async with database.exclusive(CHOOSING):
                await stores.discard_others([*known, *await records.all()])
        except (Unavailable, SetupError, OSError) as error:
            log.warning("indexes.not_cleared", reason=str(error))
        else:
            return
