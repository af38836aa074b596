"""What arXiv said, kept on disk."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tunedd_api.library.arxiv.cache import MetadataCache
from tunedd_api.library.arxiv.ids import parse
from tunedd_api.library.model import Description

ID, NEWEST = parse("math/0309136v2"), parse("math/0309136")
TOLD = Description(
    arxiv_id=str(ID), title="Über Agenten", authors=("A", "B"), year=None, categories=("math.GT",)
)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(folder: Path, hours: float) -> MetadataCache:
    return MetadataCache(folder / "arxiv", now=lambda: NOON + timedelta(hours=hours))


async def test_a_version_is_kept_for_ever_and_the_newest_for_a_day(tmp_path: Path) -> None:
    await at(tmp_path, 0).keep(NEWEST, TOLD)
    for hours, newest in ((0, TOLD), (23, TOLD), (25, None), (-1, None)):
        assert await at(tmp_path, hours).find(NEWEST) == newest
        assert await at(tmp_path, hours).find(ID) == TOLD


async def test_what_was_asked_for_by_version_is_not_taken_for_the_newest(tmp_path: Path) -> None:
    cache = at(tmp_path, 0)
    await cache.keep(ID, TOLD)
    assert await cache.find(NEWEST) is None
    assert await cache.find(ID) == TOLD
    assert await cache.find(ID.at(1)) is None


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"3", b'{"title": 1}', b"\xff\xfe", b'{"version": "x"}']
)
async def test_what_is_damaged_counts_as_missing(tmp_path: Path, content: bytes) -> None:
    cache = at(tmp_path, 0)
    await cache.keep(NEWEST, TOLD)
    for file in cache.folder.iterdir():
        file.write_bytes(content)
    assert await cache.find(ID) is None
    assert await cache.find(NEWEST) is None


async def test_a_folder_that_cannot_be_written_to_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "arxiv").write_text("a file where the folder should be")
    cache = at(tmp_path, 0)
    await cache.keep(ID, TOLD)
    assert await cache.find(ID) is None
