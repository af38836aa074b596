"""PDF → pages of clean text, in a process that can be killed."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import anyio
import structlog

from tunedd_api.errors import Unavailable, Unreadable
from tunedd_api.library.model import BrokenPdf, Reading, ReadingFailed, ReadingKilled, ReadingTookTooLong
from tunedd_api.library.reading.wire import LENGTH, LONGEST_FRAME, Answer, BadAnswer, frame

log = structlog.get_logger(__name__)

FILES_PER_PROCESS = 100
"""After so many files a fresh process takes over, so that no leak of a PDF library adds up."""
PROGRAM = ("-m", "tunedd_api.library.reading.process")
KILLS = 3
"""Times that a reading may be ended from outside, by whoever sends SIGKILL or by a system short of memory."""
SECONDS_TO_END = 2.0
"""A process whose output has ended is given this long to end, so that it is known of what."""
CPU_LIMIT = getattr(signal, "SIGXCPU", None)
DOUBTFUL = (ReadingTookTooLong, ReadingFailed)
"""Answers that an older process may give because of what it has left in memory."""
CRASHED = (
    "Reading this PDF crashes the PDF library: the file is damaged, or made to do harm, or needs more memory "
    "than is allowed. Fetch it again, or save it anew from a PDF viewer."
)
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


class _Ended(Exception):
    """The process ended, or talked nonsense, before it had answered."""

    def __init__(self, cause: str, *, signal: int | None = None) -> None:
        super().__init__(cause)
        self.signal = signal


class ReaderUnavailable(Unavailable):
    """The process that reads PDFs cannot be started."""


class Reader:
    """Reads one file at a time in a child process, which it starts when needed and replaces when it fails."""

    def __init__(self, limits: ReadingLimits, *, program: Sequence[str] = PROGRAM) -> None:
        """`program` is what Python is started with."""
        self._limits = limits
        self._program = program
        self._process: Process | None = None
        self._files = 0
        self._turn = asyncio.Lock()

    async def read(self, path: Path) -> Reading:
        """
        The text of a PDF and what its first page tells about it.

        Raises BrokenPdf, NoText, PasswordProtected, TooManyPages, TooMuchText, ReadingTookTooLong,
        ReadingFailed or ReadingKilled; FileNotFoundError; ReaderUnavailable.
        """
        path = Path(await anyio.Path(path).resolve(strict=True))
        async with self._turn:
            try:
                answer = await self._read(path)
            except BaseException:
                # Among these the cancellation: nobody waits for this file any more.
                await self._kill()
                raise
            if isinstance(answer, DOUBTFUL):
                await self._kill()
        if isinstance(answer, Unreadable):
            raise answer
        return answer

    async def close(self) -> None:
        """Ends the process, whatever it is doing. The next `read` starts another."""
        await self._kill()

    async def _read(self, path: Path) -> Reading | Unreadable:
        """Only a fresh process proves a file guilty: an older one may suffer from a file before this one."""
        killed = 0
        while True:
            process = await self._ready_process()
            fresh = self._files == 1
            try:
                answer = await self._in_time(process, path)
                if fresh or not isinstance(answer, DOUBTFUL):
                    return answer
            except _Ended as end:
                killed += end.signal == signal.SIGKILL
                log.warning("reading.crashed", file=path.name, cause=str(end), signal=end.signal, fresh=fresh)
                if end.signal == CPU_LIMIT:
                    raise ReadingTookTooLong from end
                if killed == KILLS:
                    raise ReadingKilled from end
                if fresh and end.signal != signal.SIGKILL:
                    raise BrokenPdf(CRASHED) from end
            await self._kill()

    async def _in_time(self, process: Process, path: Path) -> Reading | Unreadable:
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await self._ask(process, path)
        except TimeoutError:
            log.warning("reading.timeout", file=path.name, seconds=self._limits.seconds)
            raise ReadingTookTooLong from None
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise _Ended(str(error), signal=await _ending_signal(process)) from error
        except BadAnswer as error:
            raise _Ended(str(error)) from error

    async def _ask(self, process: Process, path: Path) -> Reading | Unreadable:
        assert process.stdin
        assert process.stdout
        process.stdin.write(frame({"path": str(path)}))
        await process.stdin.drain()
        answer, whole = Answer(max_pages=self._limits.pages), None
        while whole is None:
            (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
            if length > LONGEST_FRAME:
                raise BadAnswer(f"{length} bytes")
            body = await process.stdout.readexactly(length)
            whole = await asyncio.to_thread(answer.add, body)
        if answer.lost is not None:
            log.warning("reading.fault", file=path.name, place=answer.lost, text=isinstance(whole, Reading))
        return whole

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
        try:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                *self._program,
                str(self._limits.memory_mb),
                str(self._limits.seconds),
                str(self._limits.pages),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                env=environment,
                # A Ctrl-C in the terminal must not reach it before it has learnt to ignore it.
                start_new_session=True,
            )
        except OSError as error:
            # Too many files or processes, too little memory: no fault of the document.
            raise ReaderUnavailable(
                f"The process that reads PDFs cannot be started: {error.strerror}."
            ) from error

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        # The end is told once both pipes are closed, and what a flood has left unread, or a child that
        # a hijacked process has started, would keep them open for ever.
        for pipe in (0, 1):
            process._transport.get_pipe_transport(pipe).close()  # type: ignore[attr-defined]
        # Shielded, so that a cancelled read leaves no zombie behind, nor a pipe that outlives the event loop.
        with anyio.CancelScope(shield=True):
            await process.wait()


async def _ending_signal(process: Process) -> int | None:
    """The signal that ended the process, if one did and it was not ours."""
    with suppress(TimeoutError):
        code = await asyncio.wait_for(process.wait(), SECONDS_TO_END)
        return -code if code < 0 else None
    return None
