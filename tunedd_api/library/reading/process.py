"""
The process that reads PDFs, so that a crash, a hang or too much memory costs one file and nothing else.

`python -m tunedd_api.library.reading.process MEMORY_MB PAGES` takes paths on its standard input and writes
readings to its standard output. It ends when its input does, that is, with the process that started it.
"""

import json
import os
import signal
import sys
import traceback
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, BinaryIO

from tunedd_api.errors import Unreadable
from tunedd_api.library.model import NoText, Reading, ReadingTookTooLong
from tunedd_api.library.reading.cleaning import clean_pages
from tunedd_api.library.reading.extraction import extract
from tunedd_api.library.reading.front_matter import front_matter
from tunedd_api.library.reading.wire import LENGTH, frame, reading_to_json


def main(memory_mb: int, max_pages: int) -> None:
    # A Ctrl-C in the terminal goes to everybody in it; the service decides when this process ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit_memory(memory_mb)
    answers = _take_standard_output()
    paths: SimpleQueue[str] = SimpleQueue()
    Thread(target=_listen, args=(sys.stdin.buffer, paths), daemon=True).start()
    while True:
        answers.write(frame(_answer(paths.get(), max_pages)))
        answers.flush()


def read(path: Path, *, max_pages: int) -> Reading:
    """Raises one of the Unreadable errors; OSError where the file cannot be opened."""
    raw = extract(path, max_pages=max_pages)
    pages = clean_pages(raw.pages)
    if not any(page.text for page in pages):
        raise NoText
    matter = front_matter(raw)
    return Reading(
        pages=pages, title=matter.title, authors=matter.authors, year=matter.year, arxiv_id=matter.arxiv_id
    )


def _answer(path: str, max_pages: int) -> dict[str, Any]:
    try:
        return {"reading": reading_to_json(read(Path(path), max_pages=max_pages))}
    except Unreadable as error:
        return {"error": type(error).__name__, "message": error.message}
    except MemoryError:
        # What it holds is freed on the way here, so the answer still fits.
        return {"error": ReadingTookTooLong.__name__, "message": ReadingTookTooLong().message}
    except Exception as error:
        # A fault of ours that one file meets. Its name and place are for the log, the text is not.
        *_, last = traceback.extract_tb(error.__traceback__)
        return {"failure": f"{type(error).__name__} in {last.name}, line {last.lineno}"}


def _listen(requests: BinaryIO, paths: SimpleQueue[str]) -> None:
    """A thread of its own, so that the end of the input is noticed in the middle of a file."""
    while header := requests.read(LENGTH.size):
        paths.put(json.loads(requests.read(*LENGTH.unpack(header)))["path"])
    os._exit(0)


def _take_standard_output() -> BinaryIO:
    """Keeps the pipe for answers: what a library prints goes to standard error."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


def _limit_memory(memory_mb: int) -> None:
    # Elsewhere the limit does not exist or is not kept to.
    if sys.platform == "linux":
        import resource

        limit = memory_mb * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
