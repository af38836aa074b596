"""A reading process that misbehaves, because a PDF has taken it over or the system has ended it."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.pdfs import column, write_pdf
from tunedd_api.library.model import BrokenPdf, ReadingFailed, ReadingKilled, ReadingTookTooLong
from tunedd_api.library.reading.reader import CRASHED, Reader, ReadingLimits

only_linux = pytest.mark.skipif(sys.platform != "linux", reason="these limits and signals are Linux's")
START = """
import json, os, signal, struct, sys, time
from pathlib import Path
from tunedd_api.library.reading import process, wire
def say(content):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    os.write(1, struct.pack(">I", len(body)))
    view = memoryview(body)
    while view:
        view = view[os.write(1, view):]
def page(number):
    say(b"\\0" + wire.HEADER.pack(number, 4) + b"text" + bytes(16))
def hear():
    (length,) = struct.unpack(">I", sys.stdin.buffer.read(4))
    return Path(json.loads(sys.stdin.buffer.read(length))["path"])
def read(path):
    for part in process._answer(path, 9):
        os.write(1, part)
def times():
    # How many processes there were before this one.
    before = here.read_text() if here.exists() else ""
    here.write_text(before + "x")
    return len(before)
"""
Open = Callable[[str], Awaitable[Reader]]


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    return write_pdf(tmp_path / "paper.pdf", [column(["Bees make honey."])])


@pytest.fixture
async def open_reader(tmp_path: Path) -> AsyncIterator[Open]:
    """Readers whose process runs a script of the test."""
    async with AsyncExitStack() as stack:

        async def start(script: str) -> Reader:
            here = f"\nhere = Path({str(tmp_path / 'times')!r})\n"
            reader = Reader(ReadingLimits(seconds=20, pages=50), program=("-c", START + here + script))
            stack.push_async_callback(reader.close)
            return reader

        yield start


@pytest.mark.parametrize(
    "script",
    [
        "hear(); sys.exit(3)",
        "hear(); os.kill(os.getpid(), signal.SIGSEGV)",
        "hear(); os.abort()",
        "hear(); os.close(1); time.sleep(60)",
        "hear(); os.write(1, bytes([255] * 4)); time.sleep(60)",
        "hear(); say(b'{'); time.sleep(60)",
        "hear(); say(b'[' * 4_000_000); time.sleep(60)",
        "hear(); say(bytes(4_000_000)); time.sleep(60)",
        "hear(); say(b'[' + b'[],' * 1_300_000 + b'0]'); time.sleep(60)",
        "hear(); say({'error': 'SystemExit', 'message': ''}); time.sleep(60)",
        "hear()\nwhile True: page(1)",
        "hear()\nfor number in range(1, 9999): page(number)\ntime.sleep(60)",
        "hear()\nwhile True: os.write(1, os.urandom(9999))",
        "hear(); os.fork() and os.write(1, bytes([255] * 4)); time.sleep(60)",
    ],
)
async def test_whatever_it_says_costs_one_file(open_reader: Open, paper: Path, script: str) -> None:
    reader = await open_reader(
        f"if times() == 0:\n    {script.replace(chr(10), chr(10) + '    ')}\nread(hear())"
    )
    with pytest.raises(BrokenPdf, match="crashes the PDF library") as refusal:
        await reader.read(paper)
    assert refusal.value.message == CRASHED
    assert (await reader.read(paper)).pages


async def test_process_that_says_nothing_is_given_up(tmp_path: Path, paper: Path) -> None:
    reader = Reader(ReadingLimits(seconds=0.5), program=("-c", "import time; time.sleep(60)"))
    with pytest.raises(ReadingTookTooLong):
        await reader.read(paper)


@only_linux
async def test_reading_that_is_killed_from_outside_is_tried_again(open_reader: Open, paper: Path) -> None:
    reader = await open_reader("p = hear()\nif times() < 2: os.kill(os.getpid(), signal.SIGKILL)\nread(p)")
    assert (await reader.read(paper)).pages


@only_linux
async def test_reading_that_is_killed_again_and_again_ends_with_a_reason(
    open_reader: Open, paper: Path, tmp_path: Path
) -> None:
    reader = await open_reader("p = hear()\nif times() < 3: os.kill(os.getpid(), signal.SIGKILL)\nread(p)")
    with pytest.raises(ReadingKilled, match="memory ran out"):
        await reader.read(paper)
    assert (tmp_path / "times").read_text() == "xxx"
    assert (await reader.read(paper)).pages


@only_linux
async def test_processor_time_that_ran_out_is_too_long(open_reader: Open, paper: Path) -> None:
    reader = await open_reader("hear(); os.kill(os.getpid(), signal.SIGXCPU)")
    with pytest.raises(ReadingTookTooLong):
        await reader.read(paper)


async def test_fault_of_ours_is_not_blamed_on_the_file_and_is_logged(open_reader: Open, paper: Path) -> None:
    reader = await open_reader("hear(); say({'failure': 'KeyError in _rows, line 9'}); time.sleep(60)")
    with capture_logs() as lines, pytest.raises(ReadingFailed, match="Keep the file and report it"):
        await reader.read(paper)
    assert [(one["event"], one["place"]) for one in lines] == [("reading.fault", "KeyError in _rows, line 9")]


async def test_title_that_was_lost_costs_no_text_and_is_logged(open_reader: Open, paper: Path) -> None:
    matter: dict[str, object] = {
        "title": None,
        "authors": [],
        "year": None,
        "arxiv_id": None,
        "lost": "TypeError in _block",
    }
    reader = await open_reader(f"hear(); page(1); say({{'reading': {matter!r}}}); hear()")
    with capture_logs() as lines:
        assert (await reader.read(paper)).pages[0].text == "text"
    assert [one["event"] for one in lines] == ["reading.fault"]


@pytest.mark.parametrize(
    "answer",
    [
        "say({'failure': 'x'})",
        "say({'error': 'ReadingTookTooLong', 'message': 'x'})",
        "os.abort()",
        "say(b'')",
    ],
)
async def test_only_a_fresh_process_proves_a_file_guilty(open_reader: Open, paper: Path, answer: str) -> None:
    reader = await open_reader(f"read(hear()); p = hear()\nif times() == 0: {answer}\nread(p)")
    first, second = await reader.read(paper), await reader.read(paper)
    assert second == first


@only_linux
async def test_what_the_system_keeps_it_from(tmp_path: Path) -> None:
    script = (
        "import sys; from tunedd_api.library.reading.confinement import allow_seconds, confine\n"
        "confine(300); allow_seconds(7); print(open('/proc/self/limits').read(), file=sys.stderr)\n"
        "try: bytearray(400 << 20)\n"
        "except MemoryError: print('memory is bounded', file=sys.stderr)\n"
        f"try: open({str(tmp_path / 'large')!r}, 'wb').write(bytes(2 << 20))\n"
        "except OSError: print('files are bounded', file=sys.stderr)\n"
    )
    _, output = await _run(script)
    limits = {line[:26].strip(): line[26:].split()[:2] for line in output.splitlines()}
    assert limits["Max address space"] == [str(300 << 20)] * 2
    assert limits["Max core file size"] == ["0", "0"]
    assert limits["Max file size"] == [str(1 << 20)] * 2
    assert limits["Max open files"] == ["64", "64"]
    assert 12 <= int(limits["Max cpu time"][0]) <= 14
    assert "memory is bounded" in output
    assert "files are bounded" in output


@only_linux
async def test_it_ends_by_itself_when_nobody_ends_it() -> None:
    script = (
        "import resource, tunedd_api.library.reading.confinement as confinement\n"
        "confinement.SPARE_SECONDS = 0\n"
        "confinement.allow_seconds(0.1)\n"
        "while True: pass\n"
    )
    status, _ = await _run(script)
    assert status == -signal.SIGXCPU


async def _run(script: str) -> tuple[int | None, str]:
    """Its exit status, and what it wrote to standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stderr=PIPE, env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    )
    _, errors = await process.communicate()
    return process.returncode, errors.decode()
