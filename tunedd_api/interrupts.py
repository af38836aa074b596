"""What a Ctrl-C leaves on the screen: nothing."""

import sys
from types import TracebackType


def end_quietly() -> None:
    """From now on an interrupt that nobody waits for ends the process without a traceback."""
    sys.excepthook = _hook


def _hook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
