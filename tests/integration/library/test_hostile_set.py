"""A folder of odd files with good papers among them: each ends ready, or failed with a reason."""

import csv
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from tests.world import SAMPLES, SHARED, open_world
from tunedd_api.bootstrap import Services
from tunedd_api.library.model import BrokenPdf, Document, NoText, PasswordProtected, Status
from tunedd_api.library.reading.extraction import INCOMPLETE

ODD = SHARED / "robustness" / "pdfs"
READY = {
    "encrypted_empty_password": 4,
    "image_only": 0,
    "lost_text_pypdf": 0,
    "needs_password": 2,
    "no_text": 1,
    "slow_timeout": 3,
    "text": 6,
    "unreadable_pypdf": 11,
}
"""
How many of each kind are read. Two of the texts are the same file; two that "need a password" need it only
for what is attached to them.
"""
REFUSED = 1
"""Files without `%PDF-` near their beginning, which become no documents."""
GOOD = 2
MINUTES = 4
REASONS = {NoText().message, PasswordProtected().message, BrokenPdf().message, INCOMPLETE}
pytestmark = pytest.mark.skipif(not ODD.is_dir(), reason=f"there is no {ODD}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The odd files, one good paper before and one behind them."""
    papers = tmp_path / "papers"
    shutil.copytree(ODD, papers)
    (papers / "manifest.csv").unlink()
    for name, sample in zip(("a.pdf", "z.pdf"), sorted(SAMPLES.glob("*.pdf")), strict=True):
        shutil.copy(sample, papers / name)
    return papers


@pytest.fixture
async def services(tmp_path: Path, folder: Path) -> AsyncIterator[Services]:
    async with open_world(tmp_path, reading_timeout=30, reading_memory_mb=512) as opened:
        await opened.folder.look()
        yield opened


async def test_every_file_of_the_folder_ends_ready_or_failed_with_a_reason(
    services: Services, folder: Path
) -> None:
    documents = {one.file: one for one in await settled(services)}
    kinds = kinds_of_files()
    assert len(documents) == len(kinds) - REFUSED - 1 + GOOD
    good = [one for file, one in documents.items() if file not in kinds]
    assert [one.status for one in good] == [Status.READY] * GOOD
    failed = [one for one in documents.values() if one.status is Status.FAILED]
    assert {one.error for one in failed} == REASONS
    ready = Counter(kinds[file] for file, one in documents.items() if file in kinds and one.passages)
    assert {kind: ready[kind] for kind in READY} == READY
    found = await services.library.search("agents", document_ids=[one.id for one in good])
    assert {hit.document_id for hit in found} == {one.id for one in good}


def kinds_of_files() -> dict[str, str]:
    with (ODD / "manifest.csv").open() as rows:
        return {row["file"]: row["class"] for row in csv.DictReader(rows)}


async def settled(services: Services) -> list[Document]:
    with anyio.fail_after(60 * MINUTES):
        while True:
            documents = await services.library.list(limit=1000)
            if documents and all(one.status.ended for one in documents):
                progress = await services.library.progress()
                if progress.complete:
                    return documents
            await anyio.sleep(0.1)
