"""A service of its own for a benchmark: the real command, a temporary home, any free port."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

READY_WITHIN = 900.0
ADDRESS = re.compile(r"listens on (http://\S+)")


@contextmanager
def running_service(papers: Path, models: Path, **settings: str) -> Iterator[httpx.Client]:
    """A client of `tunedd serve` over a folder of papers, once it is ready."""
    with TemporaryDirectory() as home:
        environment = os.environ | {
            "TUNEDD_HOME": home,
            "TUNEDD_PAPERS": str(papers),
            "TUNEDD_MODELS": str(models.absolute()),
            "TUNEDD_LOG_LEVEL": "WARNING",
            **settings,
        }
        command = [sys.executable, "-m", "tunedd_api", "serve", "--port", "0"]
        log = Path(home, "log")
        with log.open("w") as output:
            process = subprocess.Popen(command, env=environment, stderr=output)
        try:
            with httpx.Client(base_url=_address(process, log), timeout=900) as client:
                _wait(client)
                yield client
        finally:
            process.terminate()
            process.wait(30)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    while process.poll() is None:
        if found := ADDRESS.search(log.read_text("utf-8")):
            return found[1]
        time.sleep(0.1)
    raise RuntimeError("The service did not start:\n" + log.read_text("utf-8"))


def _wait(client: httpx.Client) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        try:
            if client.get("/ready").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise TimeoutError("The service was not ready in time: " + client.get("/ready").text)
