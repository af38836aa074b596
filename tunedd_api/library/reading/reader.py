"""PDF → pages of clean text, in a process that can be killed."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass
from pathlib import Path

import anyio
import structlog

from tunedd_api.errors import Unreadable
from tunedd_api.library.model import BrokenPdf, Reading, ReadingTookTooLong
from tunedd_api.library.reading.wire import LENGTH, LONGEST_ANSWER, BadAnswer, frame, parse_answer

log = structlog.get_logger(__name__)

FILES_PER_PROCESS = 100
"""After so many files a fresh process takes over, so that no leak of a PDF library adds up."""
ENVIRONMENT = (
    "PATH",
    "SYSTEMROOT",
    "TMPDIR",
    "TEMP",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
)
"""All that the process inherits: a PDF that takes it over finds no keys there."""


@dataclass(frozen=True, kw_only=True)
class ReadingLimits:
    """What reading one file may cost."""

    seconds: float = 120.0
    memory_mb: int = 2048
    """Address space, where the platform can limit it."""
    pages: int = 2000


class Reader:
    """Reads one file at a time in a child process, which it starts when needed and replaces when it fails."""

    def __init__(self, limits: ReadingLimits) -> None:
        self._limits = limits
        self._process: Process | None = None
        self._files = 0
        self._turn = asyncio.Lock()

    async def read(self, path: Path) -> Reading:
        """
        The text of a PDF and what its first page tells about it.

        Raises BrokenPdf, NoText, PasswordProtected, TooManyPages or ReadingTookTooLong; FileNotFoundError.
        """
        path = Path(await anyio.Path(path).resolve(strict=True))
        async with self._turn:
            try:
                answer = await self._read(path)
            except BaseException:
                # Among these the cancellation: nobody waits for this file any more.
                await self._kill()
                raise
        if isinstance(answer, Unreadable):
            raise answer
        return answer

    async def close(self) -> None:
        """Ends the process, whatever it is doing. The next `read` starts another."""
        await self._kill()

    async def _read(self, path: Path) -> Reading | Unreadable:
        process = await self._ready_process()
        try:
            return await asyncio.wait_for(self._ask(process, path), self._limits.seconds)
        except TimeoutError:
            log.warning("reading.timeout", file=path.name, seconds=self._limits.seconds)
            raise ReadingTookTooLong from None
        except (asyncio.IncompleteReadError, ConnectionError, BadAnswer) as error:
            log.warning("reading.crashed", file=path.name, cause=str(error))
            if self._files == 1:
                raise BrokenPdf from error
        # An older process may suffer from a file before this one: only a fresh one proves the file guilty.
        await self._kill()
        return await self._read(path)

    async def _ask(self, process: Process, path: Path) -> Reading | Unreadable:
        assert process.stdin
        assert process.stdout
        process.stdin.write(frame({"path": str(path)}))
        await process.stdin.drain()
        (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
        if length > LONGEST_ANSWER:
            raise BadAnswer(f"{length} bytes")
        body = await process.stdout.readexactly(length)
        return await asyncio.to_thread(parse_answer, body)

    async def _ready_process(self) -> Process:
        if self._files >= FILES_PER_PROCESS:
            await self._kill()
        if self._process is None or self._process.returncode is not None:
            self._process = await self._start()
            self._files = 0
        self._files += 1
        return self._process

    async def _start(self) -> Process:
        environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
        # The child finds the modules where this process found them, installed or not.
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tunedd_api.library.reading.process",
            str(self._limits.memory_mb),
            str(self._limits.pages),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env=environment,
            # A Ctrl-C in the terminal must not reach it before it has learnt to ignore it.
            start_new_session=True,
        )

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        if process.stdin:
            process.stdin.close()
        # Shielded, so that a cancelled read leaves no zombie behind.
        await asyncio.shield(process.wait())
