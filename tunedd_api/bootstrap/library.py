"""The library, wired: records, reader, indexes, the indexer that works for them, and the papers folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tunedd_api.backends.database import Database
from tunedd_api.backends.jobs import Jobs
from tunedd_api.backends.model_files.weights import Weights
from tunedd_api.bootstrap.indexes import open_indexes
from tunedd_api.library.folder_records import SqlFolderRecords
from tunedd_api.library.folder_sync import FolderSync
from tunedd_api.library.index_records import SqlIndexRecords
from tunedd_api.library.indexes import Indexes
from tunedd_api.library.intake import Intake
from tunedd_api.library.originals import Originals
from tunedd_api.library.queue import SqlIndexingQueue
from tunedd_api.library.reading.reader import Reader, ReadingLimits
from tunedd_api.library.records import SqlDocumentRecords
from tunedd_api.library.recovery import Recovery
from tunedd_api.library.replacing import Replaced
from tunedd_api.library.service import Library
from tunedd_api.library.worker import Indexer
from tunedd_api.measures import Measures
from tunedd_api.settings import Settings


@dataclass(frozen=True, kw_only=True)
class LibraryParts:
    library: Library
    indexes: Indexes
    queue: SqlIndexingQueue
    folder: FolderSync
    indexer: Indexer
    intake: Intake
    recovery: Recovery

    async def recover(self, *, alone: bool) -> None:
        """For the process that indexes, before it begins; or for the one that leads several."""
        await self.intake.recover(alone=alone)
        await self.recovery.recover(alone=alone)


@asynccontextmanager
async def open_library(
    settings: Settings,
    weights: Weights,
    database: Database,
    measures: Measures,
    *,
    replaced: Replaced,
    jobs: Jobs | None = None,
    builds: bool,
    anew: bool = False,
) -> AsyncIterator[LibraryParts]:
    """
    `replaced` hears of a document whose file changed; `jobs` brings work to others than the indexer of this
    process; for `builds` and `anew` see `open_indexes`.
    """
    records, queue = SqlDocumentRecords(database), SqlIndexingQueue(database)
    originals = Originals(settings.home / "files")
    reader = Reader(
        ReadingLimits(
            seconds=settings.reading_timeout, memory_mb=settings.reading_memory_mb, pages=settings.max_pages
        )
    )
    async with open_indexes(settings, weights, database, measures, builds=builds, anew=anew) as indexes:
        indexer = Indexer(
            records=records,
            queue=queue,
            originals=originals,
            reader=reader,
            indexes=indexes,
            measures=measures,
        )
        intake = Intake(
            records=records,
            queue=queue,
            originals=originals,
            indexes=indexes,
            work=jobs or indexer,
            exclusive=database.exclusive,
            largest=settings.max_upload_mb << 20,
        )
        folder = FolderSync(
            settings.papers.absolute(),
            intake=intake,
            documents=records,
            files=SqlFolderRecords(database),
            replaced=replaced,
        )
        library = Library(
            records=records,
            originals=originals,
            queue=queue,
            indexes=indexes,
            intake=intake,
            work=jobs or indexer,
            folder=folder,
        )
        recovery = Recovery(
            records=records, queue=queue, index_records=SqlIndexRecords(database), indexes=indexes
        )
        try:
            yield LibraryParts(
                library=library,
                indexes=indexes,
                queue=queue,
                folder=folder,
                indexer=indexer,
                intake=intake,
                recovery=recovery,
            )
        finally:
            await reader.close()
