"""The PDFs themselves, kept by the SHA-256 of their content."""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio
from anyio import to_thread

from tunedd_api.backends.model_files.placement import sha256_of
from tunedd_api.errors import DiskFull, StoreUnavailable

CHUNK = 1 << 20
INCOMING = "incoming-"
LONGEST_UPLOAD = 3600.0
"""Seconds after which nobody is writing a half of a copy any more."""
LEAST_ROOM = 1 << 20
"""Bytes."""


@dataclass(frozen=True)
class Originals:
    """A folder of PDFs named by their content: the same file twice is one file."""

    folder: Path

    async def keep(self, source: Path) -> str:
        """
        Copies a file in, durably (temporary name, fsync, rename); returns its SHA-256.

        Raises DiskFull, StoreUnavailable.
        """
        with _explained():
            return await to_thread.run_sync(self._keep, source)

    @asynccontextmanager
    async def incoming(self) -> AsyncIterator[Path]:
        """
        Where a file that is on its way in can be written; gone at the end, or at the next start.

        Raises DiskFull, StoreUnavailable, also for what goes wrong with files inside the block.
        """
        with _explained():
            await to_thread.run_sync(partial(self.folder.mkdir, parents=True, exist_ok=True))
            folder = await to_thread.run_sync(partial(tempfile.mkdtemp, prefix=INCOMING, dir=self.folder))
            try:
                yield Path(folder, "incoming.pdf")
            finally:
                with anyio.CancelScope(shield=True):
                    await to_thread.run_sync(partial(shutil.rmtree, folder, ignore_errors=True))

    async def full(self) -> bool:
        """Whether the disk has no room for anything worth storing."""
        return await to_thread.run_sync(lambda: shutil.disk_usage(self._existing()).free < LEAST_ROOM)

    async def sweep(self, removed: Collection[str], *, alone: bool) -> None:
        """
        Clears away what a stopped process left: half of a copy, and files of documents that are removed.

        A file that belongs to no document stays: with another database it may. Unless this process is
        `alone`, what others are writing stays too.
        """
        await to_thread.run_sync(self._sweep, removed, 0.0 if alone else LONGEST_UPLOAD)

    async def digest(self, source: Path) -> str:
        """The SHA-256 of a file, as hexadecimal digits."""
        return await to_thread.run_sync(sha256_of, source)

    def path(self, sha256: str) -> Path:
        return self.folder / f"{sha256}.pdf"

    async def remove(self, sha256: str) -> None:
        await to_thread.run_sync(lambda: self.path(sha256).unlink(missing_ok=True))

    def _existing(self) -> Path:
        return next(path for path in (self.folder, *self.folder.parents) if path.exists())

    def _sweep(self, removed: Collection[str], older_than: float) -> None:
        for sha256 in removed:
            self.path(sha256).unlink(missing_ok=True)
        for path in (*self.folder.glob("*.part"), *self.folder.glob(f"{INCOMING}*")):
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime < older_than:
                    continue
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()

    def _keep(self, source: Path) -> str:
        self.folder.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".part", delete=False) as copy:
            try:
                with source.open("rb") as original:
                    while chunk := original.read(CHUNK):
                        digest.update(chunk)
                        copy.write(chunk)
                copy.flush()
                os.fsync(copy.fileno())
                Path(copy.name).replace(self.path(digest.hexdigest()))
            except BaseException:
                Path(copy.name).unlink(missing_ok=True)
                raise
        _sync_folder(self.folder)
        return digest.hexdigest()


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if DiskFull.caused(error):
            raise DiskFull from error
        raise StoreUnavailable(f"The file could not be stored: {error.strerror}.") from error


def _sync_folder(folder: Path) -> None:
    # Without this a power cut can lose the new name though the content is on disk.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
