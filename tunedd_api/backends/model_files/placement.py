"""A file arrives as `NAME.part`, is checked against its digest, and only then takes its name."""

import hashlib
import os
from pathlib import Path

from tunedd_api.errors import Unavailable


class DownloadFailed(Unavailable):
    """A file could not be fetched."""


class WrongBytes(DownloadFailed):
    """What came is not the file that was asked for. It was thrown away."""


def part_of(target: Path) -> Path:
    return target.with_name(target.name + ".part")


def size_of(path: Path) -> int:
    """Bytes of the file; 0 where there is none."""
    return path.stat().st_size if path.is_file() else 0


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def place(target: Path, sha256: str) -> None:
    """Gives the complete part its name, or throws it away and raises WrongBytes."""
    part = part_of(target)
    found = sha256_of(part)
    if found != sha256:
        part.unlink()
        raise WrongBytes(
            f"What came for {target.name} is not that file (sha256 {found[:12]}… instead of {sha256[:12]}…). "
            "It was thrown away."
        )
    settle(part, target)


def settle(finished: Path, target: Path) -> None:
    """Renames a finished file once its bytes are on the disk, so that no crash leaves half a file."""
    with finished.open("rb+") as file:
        os.fsync(file.fileno())
    finished.replace(target)
