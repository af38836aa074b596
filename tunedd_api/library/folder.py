"""Finds the PDFs of a folder."""

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SAMPLES = "samples"
"""A folder of this name inside the papers folder is read only while there is nothing else."""


@dataclass(frozen=True, kw_only=True)
class FoundFiles:
    """The PDFs of a folder and its subfolders by path, each with its size and times; no hidden ones."""

    papers: Mapping[Path, str]
    samples: Mapping[Path, str]
    readable: bool = True


def find_files(folder: Path) -> FoundFiles:
    """What changes about a file shows in what is told of it, without reading the file."""
    if not os.access(folder, os.R_OK | os.X_OK) or not folder.is_dir():
        return FoundFiles(papers={}, samples={}, readable=False)
    found: dict[Path, str] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() != ".pdf" or any(
            part.startswith(".") for part in path.relative_to(folder).parts
        ):
            continue
        with suppress(OSError):  # It may be gone by now.
            status = path.stat()
            if stat.S_ISREG(status.st_mode):
                found[path] = f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}"
    samples = {path: state for path, state in found.items() if path.is_relative_to(folder / SAMPLES)}
    papers = {path: state for path, state in found.items() if path not in samples}
    return FoundFiles(papers=papers, samples=samples)
