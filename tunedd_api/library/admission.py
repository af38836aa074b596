"""What is let in as a PDF: a file, of a size that this service takes, that says it is one."""

import os
import stat
from pathlib import Path

from tunedd_api.errors import Rejected
from tunedd_api.library.model import NotAPdf
from tunedd_api.library.names import displayable

SIGNATURE = b"%PDF-"
JUNK = 1024
"""Bytes in front of the signature that readers overlook, so we do too."""


class NotAFile(Rejected):
    """This is no file but a folder, a device or a pipe."""


class FileTooLarge(Rejected):
    """The file is larger than this service takes."""


def admit(file: Path, *, largest: int, name: str | None = None) -> None:
    """
    Looks at a file's kind, size and first bytes; `largest` in bytes, `name` for what is said of it.

    Raises NotAFile, FileTooLarge or NotAPdf; OSError where it cannot be opened.
    """
    shown = displayable(name or file.name)
    # Without waiting: whoever opens a pipe that nobody writes to would wait for ever.
    descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise NotAFile(f"{shown} is no file but a folder, a device or a pipe.")
        if status.st_size > largest:
            raise FileTooLarge(
                f"{shown} has {status.st_size >> 20:,} MB; this service takes files of up to "
                f"{largest >> 20:,} MB. TUNEDD_MAX_UPLOAD_MB sets the limit."
            )
        if SIGNATURE not in os.read(descriptor, JUNK + len(SIGNATURE)):
            raise NotAPdf(f"{shown} is not a PDF: it has no %PDF- within its first 1,024 bytes.")
    finally:
        os.close(descriptor)
