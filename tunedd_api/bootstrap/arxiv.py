"""arXiv, wired to the library."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tunedd_api.backends.database import Database
from tunedd_api.library.arxiv.adding import ArxivPapers
from tunedd_api.library.arxiv.cache import MetadataCache
from tunedd_api.library.arxiv.fetching import open_arxiv
from tunedd_api.library.records import SqlDocumentRecords
from tunedd_api.library.service import Library
from tunedd_api.settings import Settings


@asynccontextmanager
async def open_arxiv_papers(
    settings: Settings, database: Database, library: Library
) -> AsyncIterator[ArxivPapers]:
    """Costs nothing and contacts nobody before the first paper is added."""
    async with open_arxiv(base=settings.arxiv_url, max_bytes=settings.max_upload_mb << 20) as arxiv:
        yield ArxivPapers(
            library=library,
            records=SqlDocumentRecords(database),
            arxiv=arxiv,
            cache=MetadataCache(settings.home / "arxiv"),
        )
