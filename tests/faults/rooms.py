"""A small file system of its own for a home, that can be filled up."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

CHUNK = 1 << 16


@dataclass(frozen=True)
class Room:
    """A mounted tmpfs."""

    folder: Path

    def fill(self) -> None:
        """Writes until nothing more fits, not even a byte."""
        with self._ballast.open("ab", buffering=0) as ballast:
            for size in (CHUNK, 1):
                try:
                    while ballast.write(bytes(size)) == size:
                        pass
                except OSError:
                    continue

    def free(self, size: int | None = None) -> None:
        """Gives so many bytes back; None: all of them."""
        if size is None:
            self._ballast.unlink()
        else:
            os.truncate(self._ballast, max(0, self._ballast.stat().st_size - size))

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"


@contextmanager
def room(mebibytes: int) -> Iterator[Room]:
    """Mounted for the length of the block. Raises PermissionError where this user may not mount."""
    with TemporaryDirectory(prefix="room-") as folder:
        _mount("-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", folder)
        try:
            yield Room(Path(folder))
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


def _mount(*arguments: str) -> None:
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        raise PermissionError("only root may mount a file system, and this needs one on Linux")
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PermissionError(f"mounting failed: {done.stderr.strip()}")
