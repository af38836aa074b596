"""
Everything that can go wrong, as a caller sees it. Contexts add their own leaves; the branches are these.

* TuneddError
  - NotFound         what was named does not exist
  - Rejected         the request cannot be carried out as it is
  - Conflict         the request does not fit the present state
  - Unavailable      a part of the service is missing or not ready; the same request may work later
      - ModelUnavailable (ModelStarting), EmbeddingUnavailable, StoreUnavailable, DiskFull
  - Unreadable       a file could not be turned into text; the reason is for its owner
  - SetupError       the service cannot run as it is set up; the message says what to change
      - MissingExtra

A class docstring is its default message. Nothing here knows HTTP: `app.py` holds that table.
"""

import errno
from collections.abc import Iterator
from inspect import getdoc
from typing import Self

INTERNAL = "Something went wrong inside the service; its log says what."
"""What is said of a bug: its place and texts are for the log."""


class TuneddError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or getdoc(type(self)) or type(self).__name__)

    @property
    def message(self) -> str:
        return str(self.args[0])


class NotFound(TuneddError):
    """There is no such thing."""


class Rejected(TuneddError):
    """The request cannot be carried out as it is."""


class Conflict(TuneddError):
    """The request does not fit the present state."""


class Unavailable(TuneddError):
    """A part of the service is not available."""

    retry_after: int = 5
    """Seconds after which trying again makes sense."""


class ModelUnavailable(Unavailable):
    """The language model cannot be reached. Documents, search and history still work."""


class ModelStarting(ModelUnavailable):
    """The language model is starting. Ask again in a moment."""


class EmbeddingUnavailable(Unavailable):
    """The embedding model cannot be reached. Documents and history can be read; nothing can be searched."""


class StoreUnavailable(Unavailable):
    """The database cannot be used."""


class DiskFull(Unavailable):
    """The disk is full. What is stored stays readable; make room and try again."""

    retry_after = 60

    @staticmethod
    def caused(error: BaseException | None) -> bool:
        """Whether a full disk, or a used-up quota, is at the bottom of an error."""
        while error is not None:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                return True
            error = error.__cause__ or error.__context__
        return False


class Unreadable(TuneddError):
    """The file could not be read."""


class SetupError(TuneddError):
    """The service cannot run as it is set up."""


class MissingExtra(SetupError):
    """A part of the service is not installed."""

    @classmethod
    def named(cls, package: str | None, extra: str) -> Self:
        """For a Python package that is missing, and the extra that brings it."""
        return cls(f"{package} is not installed. Install it with: pip install 'tunedd-api[{extra}]'")


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors of a group, and of groups in it; an error that is no group is its own leaf."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error
