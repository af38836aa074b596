"""Keeps the library in step with the papers folder: what is new or changed there is taken in."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import anyio
import structlog
from anyio import to_thread

from tunedd_api.errors import Rejected, TuneddError
from tunedd_api.library.folder import FoundFiles, find_files
from tunedd_api.library.folder_records import KnownFile, SqlFolderRecords
from tunedd_api.library.intake import Intake
from tunedd_api.library.names import displayable
from tunedd_api.library.ports import DocumentRecords
from tunedd_api.library.replacing import Replaced, Replacing

log = structlog.get_logger(__name__)

UNREADABLE = "The papers folder {} is not there or cannot be read; TUNEDD_PAPERS names it."
AGAIN_AFTER = 15.0
"""Seconds after which a library that could not be written to is tried again."""


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
        self.skipped: dict[Path, str] = {}
        """Files that were not taken in, as the log has told, and the state they were in."""
        self._folder = folder
        self._intake = intake
        self._documents = documents
        self._files = files
        self._replacing = Replacing(intake=intake, documents=documents, files=files, replaced=replaced)
        self._before: Mapping[Path, str] = {}
        self._readable = True
        self._unfinished = False

    async def watch(self, every: float) -> None:
        """Looks at the folder every so many seconds; with 0 until all that was there is in the library."""
        self.complete = False
        while True:
            try:
                await self.look(settled=self.complete)
            except (TuneddError, OSError) as error:
                self.problem = str(error)
                log.warning("folder.not_synced", reason=str(error), again_in=AGAIN_AFTER)
                await anyio.sleep(AGAIN_AFTER)
                continue
            if not every and not self._unfinished:
                return
            await anyio.sleep(every or AGAIN_AFTER)

    async def look(self, *, settled: bool = False) -> None:
        """One look. With `settled` a file that changes while we look is left for the next one."""
        found = await to_thread.run_sync(find_files, self._folder)
        unreadable = None if found.readable else UNREADABLE.format(self._folder)
        if self._readable and unreadable:
            log.warning("folder.unreadable", reason=unreadable)
        self._readable = found.readable
        known = dict(await self._files.all())
        changed = self._changed(found.papers, known, settled=settled)
        self._before = found.papers
        self.left = len(changed)
        for path in changed:
            await self._update(path, found.papers[path], known)
            self.left -= 1
        await self._forget_missing(found, known)
        await self._sync_samples(found, known)
        await self._replacing.finish(known)
        self._unfinished = any(file.replaces for file in known.values())
        self.complete, self.problem = True, unreadable
        if changed:
            log.info("folder.synced", files=len(found.papers), changed=len(changed))

    async def _forget_missing(self, found: FoundFiles, known: Mapping[Path, KnownFile]) -> None:
        if not found.papers and not found.samples:
            # Where a disk is not there, its empty mount point is: not everything was taken away at once.
            return
        for path in known.keys() - found.papers.keys() - found.samples.keys():
            if known[path].replaces is None:
                await self._files.forget(path)

    def _changed(
        self, papers: Mapping[Path, str], known: Mapping[Path, KnownFile], *, settled: bool
    ) -> list[Path]:
        changed = [path for path, state in papers.items() if path not in known or known[path].state != state]
        if settled:
            # A file that is not as it was at the last look is being written, most likely.
            return [path for path in changed if self._before.get(path) == papers[path]]
        # What was refused may be taken now: limits change between two starts.
        return [*changed, *(path for path in papers if path in known and known[path].document_id is None)]

    async def _update(self, path: Path, state: str, known: dict[Path, KnownFile]) -> None:
        before = known.get(path)
        file = await self._take_in(path, state)
        if file is None:
            return
        if before:
            file = replace(file, replaces=await self._replacing.replaced_by(file.document_id, before))
        known[path] = file
        if before:
            # Before the row that names them is written anew: what a crash leaves is then found again.
            await self._replacing.drop_between(before, known)
        await self._files.note(path, file)

    async def _take_in(self, path: Path, state: str, *, sample: bool = False) -> KnownFile | None:
        """One bad file is told of and leaves the others alone; None for one that cannot be read now."""
        try:
            document = await self._intake.take_in(path, name=path.name, revive=False, sample=sample)
        except (Rejected, OSError) as error:
            if self.skipped.get(path) != state:
                log.warning("folder.skipped", file=displayable(path.name), reason=str(error))
            self.skipped[path] = state
            return None if isinstance(error, OSError) else KnownFile(state=state, document_id=None)
        self.skipped.pop(path, None)
        return KnownFile(state=state, document_id=document.id if document else None)

    async def _sync_samples(self, found: FoundFiles, known: Mapping[Path, KnownFile]) -> None:
        """They are there so that a first start has something to read; real papers replace them."""
        present = set().union(*(await self._documents.ids_by_status()).values())
        added = await self._documents.samples()
        if present - added:
            for id in added:
                await self._intake.remove(id, forget=True)
            for path in found.samples:
                await self._files.forget(path)
            return
        for path, state in found.samples.items():
            if path in known and known[path].state == state:
                continue
            if file := await self._take_in(path, state, sample=True):
                await self._files.note(path, file)
