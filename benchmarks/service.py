"""A service of its own for a benchmark: the real command, its own home, any free port."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

READY_WITHIN = 900.0
LOG_SHOWN = 10_000
"""Characters at the end of its log that are shown where a measurement breaks off."""
LOOK_EVERY = 0.05
"""Seconds: how exact the time to ready is."""
ADDRESS = re.compile(r"listens on (http://\S+)")


@dataclass(frozen=True, kw_only=True)
class Running:
    """A service that is ready."""

    client: httpx.Client
    process: int
    """Id of its process."""
    started: float
    """When its process was started, by `time.monotonic`."""
    ready: float
    """When it was ready to answer."""


@contextmanager
def running_service(papers: Path, models: Path, **settings: str) -> Iterator[httpx.Client]:
    """A client of `tunedd serve` over a folder of papers, once it is ready; its home is temporary."""
    with TemporaryDirectory() as home, service_at(Path(home), papers, models, **settings) as service:
        yield service.client


@contextmanager
def service_at(home: Path, papers: Path, models: Path, **settings: str) -> Iterator[Running]:
    """`tunedd serve` with a home that may hold what an earlier one left, once it is ready."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TUNEDD_")}
    environment |= {
        "TUNEDD_HOME": str(home.absolute()),
        "TUNEDD_PAPERS": str(papers.absolute()),
        "TUNEDD_MODELS": str(models.absolute()),
        "TUNEDD_LOG_LEVEL": "WARNING",
        **settings,
    }
    command = [sys.executable, "-m", "tunedd_api", "serve", "--port", "0"]
    log = home / "log"
    with log.open("w") as output:
        started = time.monotonic()
        process = subprocess.Popen(command, env=environment, stderr=output)
    try:
        with httpx.Client(base_url=_address(process, log), timeout=READY_WITHIN) as client:
            _wait(client)
            yield Running(client=client, process=process.pid, started=started, ready=time.monotonic())
    except BaseException:
        sys.stderr.write(log.read_text("utf-8")[-LOG_SHOWN:])
        raise
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def one_folder(folders: Sequence[Path]) -> Iterator[Path]:
    """A temporary folder with links to the PDFs of all of these."""
    with TemporaryDirectory() as place:
        for file in pdfs(folders):
            link = Path(place, file.parent.name, file.name)
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(file.absolute())
        yield Path(place)


def pdfs(folders: Sequence[Path]) -> list[Path]:
    return [file for folder in folders for file in sorted(folder.glob("*.pdf"))]


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    while process.poll() is None:
        if found := ADDRESS.search(log.read_text("utf-8")):
            return found[1]
        time.sleep(LOOK_EVERY)
    raise RuntimeError("The service did not start:\n" + log.read_text("utf-8"))


def _wait(client: httpx.Client) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        try:
            if client.get("/ready").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(LOOK_EVERY)
    raise TimeoutError("The service was not ready in time: " + client.get("/ready").text)
