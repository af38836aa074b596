"""The index that serves, and the one that is built beside it if the settings ask for another."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from tunedd_api.backends.database import Database
from tunedd_api.backends.model_files.weights import Weights
from tunedd_api.bootstrap.index_choice import IndexChoice
from tunedd_api.bootstrap.index_stores import OpenIndexes
from tunedd_api.library.index_records import SqlIndexRecords
from tunedd_api.library.indexes import CHOOSING, Indexes
from tunedd_api.measures import Measures
from tunedd_api.settings import Settings

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
) -> AsyncIterator[Indexes]:
    """
    The index that serves, with the one that is to replace it if the settings ask for another.

    Without `builds` the first alone, as it is. With `anew` another is built although this one fits.
    """
    records = SqlIndexRecords(database)
    async with AsyncExitStack() as stack:
        stores = OpenIndexes(settings, weights, measures, stack)
        choice = IndexChoice(stores, records)
        if builds:
            async with database.exclusive(CHOOSING):
                rows = await choice.rows(await records.all(), anew=anew)
                await stores.discard_others(rows)
        elif rows := await records.all():
            await choice.verify(rows[0])
        serving = await stores.open(rows[0] if rows else await stores.wanted())
        if builds:
            await stores.serve(serving.row)
        indexes = Indexes(
            records=records,
            serving=serving,
            building=await stores.open(rows[1]) if builds and len(rows) > 1 else None,
            stores=stores,
            exclusive=database.exclusive,
            grace=GRACE if database.shared else 0.0,
        )
        if serving.search is not None:
            await serving.search.warm_up()
        yield indexes
