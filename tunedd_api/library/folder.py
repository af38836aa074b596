"""Finds the PDFs of a folder."""

import os
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

SAMPLES = "samples"
"""A folder of this name inside the papers folder is read only while there is nothing else."""
SIGNATURE = b"%PDF-"
SIGNATURE_WITHIN = 1024


def find_pdfs(folder: Path) -> tuple[list[Path], list[Path]]:
    """The PDFs of a folder and its subfolders, and apart from them its samples; hidden ones are left out."""
    if not os.access(folder, os.R_OK | os.X_OK) or not folder.is_dir():
        log.warning("folder.unreadable", folder=str(folder), hint="TUNEDD_PAPERS names it")
        return [], []
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() == ".pdf"
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    samples = [path for path in found if path.is_relative_to(folder / SAMPLES)]
    return [path for path in found if path not in samples], samples


def printable(name: str) -> str:
    """A file's name as text, which it need not be; what is not text can be neither stored nor sent."""
    return os.fsencode(name).decode("utf-8", "replace")


def looks_like_pdf(file: Path) -> bool:
    """Readers accept some bytes before the signature, so we do too."""
    with file.open("rb") as opened:
        return SIGNATURE in opened.read(SIGNATURE_WITHIN + len(SIGNATURE) - 1)
