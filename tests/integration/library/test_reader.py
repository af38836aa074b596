"""The process that reads PDFs: whatever happens to it costs one file."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest

from tests.bombs.streams import STREAM_BOMBS
from tests.pdfs import column, write_pdf
from tunedd_api.library.model import BrokenPdf, NoText, ReadingTookTooLong, TooManyPages
from tunedd_api.library.reading.reader import FILES_PER_PROCESS, Reader, ReaderUnavailable, ReadingLimits

only_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc")
FULL = column(
    [f"line {n} of a page that is full of text and takes its time" for n in range(60)], top=780, size=9
)
MODULE = b"tunedd_api.library.reading.process"


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    reader = Reader(ReadingLimits(seconds=60, memory_mb=1024, pages=5000))
    yield reader
    await reader.close()


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    return write_pdf(tmp_path / "paper.pdf", [column(["Bees make honey."])])


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Takes many seconds to read."""
    return write_pdf(tmp_path_factory.mktemp("slow") / "slow.pdf", [FULL] * 1900)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Takes a second or two to read."""
    return write_pdf(tmp_path_factory.mktemp("busy") / "busy.pdf", [FULL] * 400)


def children(parent: int) -> list[int]:
    """The reading processes that a process has started."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(stat[1]) == parent and stat[0] != "Z" and MODULE in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  # what happens to a process sets no event here
            await asyncio.sleep(0.02)


async def busy_child() -> int:
    """The child of this process, once it uses the processor for a file."""

    def seconds(pid: int) -> float:
        return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13])) / 100

    await until(lambda: children(os.getpid()))
    (pid,) = children(os.getpid())
    await until(lambda: seconds(pid) > 0.5)
    return pid


async def test_a_reader_that_cannot_be_started_is_no_fault_of_the_file(paper: Path) -> None:
    # More than the system takes as one argument.
    reader = Reader(ReadingLimits(), program=["-c", "#" * (1 << 20)])
    with pytest.raises(ReaderUnavailable, match="cannot be started"):
        await reader.read(paper)


async def test_pdf_becomes_pages(reader: Reader, paper: Path) -> None:
    reading = await reader.read(paper)
    assert [page.text for page in reading.pages] == ["Bees make honey."]


async def test_reasons_come_through(reader: Reader, tmp_path: Path) -> None:
    with pytest.raises(NoText):
        await reader.read(write_pdf(tmp_path / "empty.pdf", [[]]))
    with pytest.raises(TooManyPages, match="5001 pages"):
        await reader.read(write_pdf(tmp_path / "many.pdf", [[]] * 5001))
    with pytest.raises(FileNotFoundError):
        await reader.read(tmp_path / "missing.pdf")


async def test_files_are_read_one_after_the_other_by_one_process(reader: Reader, paper: Path) -> None:
    readings = await asyncio.gather(*(reader.read(paper) for _ in range(5)))
    assert all(reading == readings[0] for reading in readings)


async def test_file_that_takes_too_long_is_given_up(slow: Path, paper: Path) -> None:
    reader = Reader(ReadingLimits(seconds=2, pages=5000))
    with pytest.raises(ReadingTookTooLong):
        await reader.read(slow)
    assert (await reader.read(paper)).pages
    await reader.close()


@only_linux
async def test_file_whose_reading_was_killed_is_read_anew(reader: Reader, busy: Path, paper: Path) -> None:
    reading = asyncio.create_task(reader.read(busy))
    os.kill(await busy_child(), signal.SIGKILL)
    assert len((await reading).pages) == 400
    assert (await reader.read(paper)).pages


@only_linux
async def test_crashed_process_costs_one_file(reader: Reader, slow: Path, paper: Path) -> None:
    reading = asyncio.create_task(reader.read(slow))
    os.kill(await busy_child(), signal.SIGSEGV)
    with pytest.raises(BrokenPdf, match="crashes the PDF library"):
        await reading
    assert (await reader.read(paper)).pages


@only_linux
async def test_process_that_dies_between_files_is_replaced(reader: Reader, paper: Path) -> None:
    await reader.read(paper)
    (first,) = children(os.getpid())
    os.kill(first, signal.SIGKILL)
    await until(lambda: not children(os.getpid()))
    assert (await reader.read(paper)).pages


@only_linux
async def test_cancelled_reading_kills_its_process(reader: Reader, slow: Path, paper: Path) -> None:
    reading = asyncio.create_task(reader.read(slow))
    await busy_child()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert children(os.getpid()) == []
    assert (await reader.read(paper)).pages


@only_linux
async def test_too_much_memory_costs_one_file(tmp_path: Path, paper: Path) -> None:
    bomb = tmp_path / "bomb.pdf"
    bomb.write_bytes(STREAM_BOMBS["a gigabyte of zeros"]())
    reader = Reader(ReadingLimits(seconds=60, memory_mb=400))
    with pytest.raises(BrokenPdf, match="needs more memory"):
        await reader.read(bomb)
    assert (await reader.read(paper)).pages
    await reader.close()


@only_linux
async def test_interrupt_from_the_terminal_does_not_end_it(reader: Reader, slow: Path) -> None:
    reading = asyncio.create_task(reader.read(slow))
    pid = await busy_child()
    os.kill(pid, signal.SIGINT)
    await asyncio.sleep(0.2)
    assert children(os.getpid()) == [pid]
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


@only_linux
async def test_fresh_process_takes_over_after_many_files(reader: Reader, paper: Path) -> None:
    await reader.read(paper)
    first = children(os.getpid())
    for _ in range(FILES_PER_PROCESS):
        await reader.read(paper)
    assert len(first) == 1
    assert set(children(os.getpid())).isdisjoint(first)


@only_linux
async def test_it_sees_no_secrets_of_the_environment(tmp_path: Path, paper: Path) -> None:
    script = f"""
import asyncio, sys
from pathlib import Path
from tests.integration.library.test_reader import children
from tunedd_api.library.reading.reader import Reader, ReadingLimits
import os
async def main():
    reader = Reader(ReadingLimits())
    await reader.read(Path({str(paper)!r}))
    print(Path(f"/proc/{{children(os.getpid())[0]}}/environ").read_bytes())
    await reader.close()
asyncio.run(main())
"""
    output = await _python(script, {"TUNEDD_OPENAI_API_KEY": "sk-secret"})
    assert "PYTHONPATH" in output
    assert "sk-secret" not in output


@only_linux
async def test_it_dies_with_the_process_that_started_it(tmp_path: Path, slow: Path) -> None:
    script = f"""
import asyncio, os
from pathlib import Path
from tests.integration.library.test_reader import busy_child
from tunedd_api.library.reading.reader import Reader, ReadingLimits
async def main():
    asyncio.create_task(Reader(ReadingLimits()).read(Path({str(slow)!r})))
    print(await busy_child(), flush=True)
    os._exit(1)
asyncio.run(main())
"""
    pid = int(await _python(script))
    await until(lambda: not Path(f"/proc/{pid}").exists())


async def test_it_starts_light() -> None:
    script = "import sys, tunedd_api.library.reading.process; print(*sys.modules)"
    modules = (await _python(script)).split()
    assert "pypdfium2" in modules
    assert {"haystack", "fastapi", "pypdf", "numpy", "httpx"}.isdisjoint(modules)


async def _python(script: str, environment: Mapping[str, str] | None = None) -> str:
    paths = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        script,
        env={**os.environ, **paths, **(environment or {})},
        stdout=subprocess.PIPE,
    )
    output, _ = await process.communicate()
    return output.decode()
