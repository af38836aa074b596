"""What every SQLite file of the service needs: scripts as statements, and what the driver's errors mean."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from tunedd_api.errors import DiskFull, SetupError, StoreUnavailable, TuneddError

MISTAKES = (
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_MISUSE,
    sqlite3.SQLITE_RANGE,
)
"""Errors that tell of a bug in this program, not of the world around it."""

LEAST_ROOM = 1 << 16
"""Bytes without which the driver's own files cannot grow."""


class DamagedFile(SetupError):
    """A file of the service is damaged."""


def statements(script: str) -> Iterator[str]:
    """One after the other, since `executescript` would commit the transaction that it runs in."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def failure(error: sqlite3.Error, *, file: str, advice: str) -> TuneddError | None:
    """The error as callers of the service know it, None for a mistake in the SQL; `advice` is for damage."""
    # The low byte is the kind of error; the rest says more than is needed here.
    match getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF:
        case sqlite3.SQLITE_FULL:
            return DiskFull()
        case sqlite3.SQLITE_IOERR if _full(file):
            # Not every way of running out of room is told as that.
            return DiskFull()
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            return DamagedFile(f"{file} is damaged or no database. {advice}")
        case kind if kind in MISTAKES:
            return None
        case _:
            return StoreUnavailable(f"{file} cannot be used: {error}.")


def _full(file: str) -> bool:
    folder = Path(file).parent
    return folder.is_dir() and shutil.disk_usage(folder).free < LEAST_ROOM
