"""`tunedd reindex` beside other processes."""

from pathlib import Path

import anyio
import pytest

from tests.world import add_samples, open_world, weightless
from tunedd_api.backends.database import open_database
from tunedd_api.bootstrap import open_services
from tunedd_api.cli.indexing import rebuilt
from tunedd_api.library.index_records import SqlIndexRecords


@pytest.fixture
async def home(tmp_path: Path) -> Path:
    async with open_world(tmp_path) as services:
        await add_samples(services)
    return tmp_path


async def test_an_index_that_another_process_gave_up_is_not_said_to_serve(home: Path) -> None:
    async with open_services(weightless(home), anew=True, works=False) as services:
        _, building = services.indexes
        async with open_database("sqlite:tunedd.db", home) as database:
            await SqlIndexRecords(database).drop(building.row.stamp)
        await services.indexes.refresh()
        with anyio.fail_after(30):
            _, problem = await rebuilt(services, building.row.stamp)
        assert "given the new index up" in (problem or "")
        assert "TUNEDD_EMBEDDING_MODEL" in (problem or "")


async def test_an_index_that_serves_is_done(home: Path) -> None:
    async with open_services(weightless(home), anew=True) as services:
        _, building = services.indexes
        with anyio.fail_after(60):
            assert await rebuilt(services, building.row.stamp) == (0, None)
