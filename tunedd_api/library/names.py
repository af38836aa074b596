"""Names of files as people are shown them: in answers, headers, logs and terminals."""

import re
import unicodedata
from pathlib import PurePath

from tunedd_api.visible import JOINERS, visible

NO_NAME = "unnamed.pdf"
LONGEST = 255
"""Bytes in UTF-8: what a file system takes, so that a download can be saved."""
LONGEST_SUFFIX = 16
"""Characters; what is longer behind a dot is no suffix."""
CUT = "…"


def displayable(name: str | None) -> str:
    """
    The last part of a path, on one line, ending as the file's name ends.

    A name may be no text (on disk it is bytes) or try to look like another: `fdp.exe`, turned around, reads
    `exe.pdf`. It is only shown: files are stored under names of our own, so two may have the same.
    """
    parts = [part for part in re.split(r"[/\\]", name or "") if part.strip()]
    last = unicodedata.normalize("NFC", visible(parts[-1])) if parts else ""
    shown = " ".join(last.split())
    stem = shown.rpartition(".")[0] if "." in shown else shown
    return _short(shown) if stem.strip(f". {JOINERS}\ufe0f") else NO_NAME


def _short(name: str) -> str:
    if len(name.encode()) <= LONGEST:
        return name
    suffix = PurePath(name).suffix
    ending = CUT + (suffix if len(suffix) <= LONGEST_SUFFIX else "")
    beginning = name.encode()[: LONGEST - len(ending.encode())].decode(errors="ignore")
    return beginning.rstrip() + ending
