"""Keeps the library in step with the papers folder: what is new or changed there is taken in."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path

import anyio
import structlog
from anyio import to_thread

from tunedd_api.errors import Rejected, TuneddError
from tunedd_api.library.folder import FoundFiles, find_files
from tunedd_api.library.folder_records import KnownFile, SqlFolderRecords
from tunedd_api.library.intake import Intake
from tunedd_api.library.model import Status
from tunedd_api.library.names import displayable
from tunedd_api.library.ports import DocumentRecords

log = structlog.get_logger(__name__)

AGAIN_AFTER = 15.0
"""Seconds after which a library that could not be written to is tried again."""
Replaced = Callable[[str, str], Awaitable[None]]
"""Told of the document that a file was and the one that it is now."""


class FolderSync:
    """
    Takes in what is new in the folder. A file that is taken away leaves its document in the library.

    A file that changed is a new document; the old one serves until the new one is ready.
    """

    def __init__(
        self,
        folder: Path,
        *,
        intake: Intake,
        documents: DocumentRecords,
        files: SqlFolderRecords,
        replaced: Replaced,
    ) -> None:
        self.complete = False
        """Whether all that was there at the start is taken in."""
        self.problem: str | None = None
        """Why the folder could not be looked at."""
        self.left = 0
        """Files that are still to be looked at."""
        self._folder = folder
        self._intake = intake
        self._documents = documents
        self._files = files
        self._replaced = replaced
        self._before: Mapping[Path, str] = {}
        self._readable = True

    async def watch(self, every: float) -> None:
        """Looks at the folder again and again, `every` so many seconds; 0 looks once."""
        while True:
            try:
                await self.look(settled=self.complete)
            except (TuneddError, OSError) as error:
                self.problem = str(error)
                log.warning("folder.not_synced", reason=str(error), again_in=AGAIN_AFTER)
                await anyio.sleep(AGAIN_AFTER)
                continue
            if not every:
                return
            await anyio.sleep(every)

    async def look(self, *, settled: bool = False) -> None:
        """One look. With `settled` a file that changes while we look is left for the next one."""
        found = await to_thread.run_sync(find_files, self._folder)
        known = dict(await self._files.all())
        changed = [path for path, state in found.papers.items() if _state(known, path) != state]
        if settled:
            # Most likely it is being written.
            changed = [path for path in changed if self._before.get(path) == found.papers[path]]
        self._before = found.papers
        if self._readable and not found.readable:
            log.warning("folder.unreadable", folder=str(self._folder), hint="TUNEDD_PAPERS names it")
        self._readable = found.readable
        self.left = len(changed)
        for path in changed:
            known[path] = await self._take_in(path, found.papers[path], known.get(path))
            self.left -= 1
        if found.readable:
            for path in known.keys() - found.papers.keys() - found.samples.keys():
                await self._files.forget(path)
        await self._sync_samples(found, known)
        await self._finish_replacing({path: known[path] for path in found.papers if path in known})
        self.complete, self.problem = True, None
        if changed:
            log.info("folder.synced", files=len(found.papers), changed=len(changed))

    async def _take_in(
        self, path: Path, state: str, before: KnownFile | None, *, sample: bool = False
    ) -> KnownFile:
        """One bad file of a folder is told of and leaves the others alone."""
        document_id = None
        try:
            document = await self._intake.take_in(path, name=path.name, revive=False, sample=sample)
            document_id = document.id if document else None
        except (Rejected, OSError) as error:
            log.warning("folder.skipped", file=displayable(path.name), reason=str(error))
        replaces = await self._serving(before) if before else None
        file = KnownFile(
            state=state, document_id=document_id, replaces=replaces if replaces != document_id else None
        )
        await self._files.note(path, file)
        return file

    async def _serving(self, before: KnownFile) -> str | None:
        """The document that answers for a file: the newest of it that became ready."""
        document = await self._documents.get(before.document_id or "")
        return document.id if document and document.status is Status.READY else before.replaces

    async def _finish_replacing(self, files: Mapping[Path, KnownFile]) -> None:
        held = {file.document_id for file in files.values()}
        for path, file in files.items():
            if file.replaces is None or file.document_id is None:
                continue
            new = await self._documents.get(file.document_id)
            if new and new.status is not Status.READY:
                continue
            if new:
                await self._replaced(file.replaces, new.id)
            if file.replaces not in held and await self._documents.get(file.replaces):
                await self._intake.remove(file.replaces, forget=True)
                log.info("document.replaced", document=file.replaces, by=file.document_id)
            await self._files.note(path, KnownFile(state=file.state, document_id=file.document_id))

    async def _sync_samples(self, found: FoundFiles, known: Mapping[Path, KnownFile]) -> None:
        """They are there so that a first start has something to read; real papers replace them."""
        present = set().union(*(await self._documents.ids_by_status()).values())
        added = await self._documents.samples()
        if present - added:
            await self._remove_samples(added)
            return
        for path, state in found.samples.items():
            before = known.get(path)
            if before is None or before.document_id is None or before.state != state:
                await self._take_in(path, state, None, sample=True)

    async def _remove_samples(self, ids: Collection[str]) -> None:
        for id in ids:
            await self._intake.remove(id, forget=True)


def _state(known: Mapping[Path, KnownFile], path: Path) -> str | None:
    return known[path].state if path in known else None
