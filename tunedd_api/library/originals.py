"""The PDFs themselves, kept by the SHA-256 of their content."""

import errno
import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from anyio import to_thread

from tunedd_api.backends.model_files.placement import sha256_of
from tunedd_api.errors import DiskFull, StoreUnavailable

CHUNK = 1 << 20


@dataclass(frozen=True)
class Originals:
    """A folder of PDFs named by their content: the same file twice is one file."""

    folder: Path

    async def keep(self, source: Path) -> str:
        """
        Copies a file in, durably (temporary name, fsync, rename); returns its SHA-256.

        Raises DiskFull, StoreUnavailable.
        """
        try:
            return await to_thread.run_sync(self._keep, source)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFull from error
            raise StoreUnavailable(f"The file could not be stored: {error.strerror}.") from error

    async def digest(self, source: Path) -> str:
        """The SHA-256 of a file, as hexadecimal digits."""
        return await to_thread.run_sync(sha256_of, source)

    def path(self, sha256: str) -> Path:
        return self.folder / f"{sha256}.pdf"

    async def remove(self, sha256: str) -> None:
        await to_thread.run_sync(lambda: self.path(sha256).unlink(missing_ok=True))

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


def _sync_folder(folder: Path) -> None:
    # Without this a power cut can lose the new name though the content is on disk.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
