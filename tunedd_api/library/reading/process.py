"""
The process that reads PDFs, so that a crash, a hang or too much memory costs one file and nothing else.

`python -m tunedd_api.library.reading.process MEMORY_MB SECONDS PAGES` takes paths on its standard input and
writes readings to its standard output. It ends when its input does: with the process that started it.
"""

import json
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import BinaryIO

from tunedd_api.errors import Unreadable
from tunedd_api.library.model import NoText, Reading, ReadingTookTooLong
from tunedd_api.library.reading.cleaning import clean_pages
from tunedd_api.library.reading.confinement import allow_seconds, confine
from tunedd_api.library.reading.extraction import extract
from tunedd_api.library.reading.front_matter import FrontMatter, front_matter
from tunedd_api.library.reading.layout import RawPdf
from tunedd_api.library.reading.wire import LENGTH, frame, frames_of


def main(memory_mb: int, seconds: float, max_pages: int) -> None:
    # A Ctrl-C in the terminal goes to everybody in it; the service decides when this process ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    confine(memory_mb)
    answers = _take_standard_output()
    paths: SimpleQueue[str] = SimpleQueue()
    Thread(target=_listen, args=(sys.stdin.buffer, paths), daemon=True).start()
    while True:
        path = Path(paths.get())
        allow_seconds(seconds)
        for part in _answer(path, max_pages):
            answers.write(part)
        answers.flush()


def read(path: Path, *, max_pages: int) -> tuple[Reading, str | None]:
    """
    The text, and what went wrong with title and authors, if anything did.

    Raises one of the Unreadable errors; OSError where the file cannot be opened.
    """
    raw = extract(path, max_pages=max_pages)
    pages = clean_pages(raw.pages)
    if not any(page.text for page in pages):
        raise NoText
    matter, lost = title_and_authors(raw)
    reading = Reading(
        pages=pages, title=matter.title, authors=matter.authors, year=matter.year, arxiv_id=matter.arxiv_id
    )
    return reading, lost


def title_and_authors(raw: RawPdf) -> tuple[FrontMatter, str | None]:
    try:
        return front_matter(raw), None
    except MemoryError:
        raise
    except Exception as error:
        # An odd first page costs the document its title, not its text; the service logs it.
        return FrontMatter(), _place(error)


def _answer(path: Path, max_pages: int) -> Iterator[bytes]:
    try:
        reading, lost = read(path, max_pages=max_pages)
        yield from frames_of(reading, lost=lost)
    except Unreadable as error:
        yield frame({"error": type(error).__name__, "message": error.message})
    except MemoryError:
        # What it holds is freed on the way here, so the answer still fits.
        yield frame({"error": ReadingTookTooLong.__name__, "message": ReadingTookTooLong().message})
    except Exception as error:
        # A fault of ours that one file meets.
        yield frame({"failure": _place(error)})


def _place(error: Exception) -> str:
    """Its name and where it happened, for the log. Not its text: that may hold words of the file."""
    *_, last = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} in {last.name}, line {last.lineno}"


def _listen(requests: BinaryIO, paths: SimpleQueue[str]) -> None:
    """A thread of its own, so that the end of the input is noticed in the middle of a file."""
    try:
        while header := requests.read(LENGTH.size):
            paths.put(json.loads(requests.read(*LENGTH.unpack(header)))["path"])
    finally:
        # Also where memory has run out: a process that hears nothing any more would hang for ever.
        os._exit(0)


def _take_standard_output() -> BinaryIO:
    """Keeps the pipe for answers: what a library prints goes to standard error."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
