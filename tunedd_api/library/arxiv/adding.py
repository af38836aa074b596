"""Brings papers from arXiv into the library: one version is one document."""

import anyio
import structlog

from tunedd_api.errors import NotFound
from tunedd_api.library.arxiv.cache import MetadataCache
from tunedd_api.library.arxiv.fetching import Arxiv
from tunedd_api.library.arxiv.ids import parse
from tunedd_api.library.arxiv.model import ArxivBusy, ArxivId
from tunedd_api.library.model import Description, Document, Status
from tunedd_api.library.ports import DocumentRecords
from tunedd_api.library.service import Library

log = structlog.get_logger(__name__)

MOST_WAITING = 20
"""Papers that may wait for arXiv, which is asked for one at a time."""


class ArxivPapers:
    """What arXiv says of a paper outranks what is read from its PDF."""

    def __init__(
        self, *, library: Library, records: DocumentRecords, arxiv: Arxiv, cache: MetadataCache
    ) -> None:
        self._library = library
        self._records = records
        self._arxiv = arxiv
        self._cache = cache
        self._waiting = 0
        # Two who want the same paper: the second finds it in the library.
        self._alone = anyio.Lock()

    async def add(self, reference: str) -> Document:
        """
        The document of this version of a paper, or of the newest; fetched unless the library has it.

        Raises NotAnArxivId, PaperNotFound, PaperTooLarge, PaperUnavailable, ArxivUnreachable, ArxivBusy,
        DiskFull, StoreUnavailable.
        """
        id = parse(reference)
        if document := await self._present(id):
            return document
        if self._waiting >= MOST_WAITING:
            raise ArxivBusy
        self._waiting += 1
        try:
            async with self._alone:
                return await self._present(id) or await self._bring(id)
        finally:
            self._waiting -= 1

    async def _bring(self, id: ArxivId) -> Document:
        description = await self._describe(id)
        return await self._present(parse(description.arxiv_id)) or await self._fetch(description)

    async def _present(self, id: ArxivId) -> Document | None:
        """
        The document, queued again if it failed; None also where its PDF is lost, which is then fetched.

        Only one that came from arXiv: a PDF that calls itself this paper may be any other.
        """
        if id.version is None:
            newest = await self._cache.find(id)
            if newest is None:
                return None
            id = parse(newest.arxiv_id)
        known = await self._records.of_arxiv(str(id))
        if known is None:
            return None
        try:
            _, path = await self._library.file(known.id)
            if known.status is not Status.FAILED:
                return known
            return await self._library.add(path, name=known.file)
        except (NotFound, FileNotFoundError):
            return None

    async def _describe(self, id: ArxivId) -> Description:
        if cached := await self._cache.find(id):
            return cached
        description = await self._arxiv.describe(id)
        await self._cache.keep(id, description)
        return description

    async def _fetch(self, description: Description) -> Document:
        id = description.arxiv_id
        async with self._library.incoming() as path:
            await self._arxiv.fetch(parse(id), path)
            name = f"{id.replace('/', '-')}.pdf"
            document = await self._library.add(path, name=name, description=description)
        log.info("paper.added", arxiv_id=id, document=document.id)
        return document
