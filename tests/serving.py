"""The real command `tunedd serve` in a process of its own, on loopback, for integration tests."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ADDRESS = re.compile(r"listens on (http://\S+)")
WITHIN = 120.0
"""Seconds that anything may take before a test gives up."""


@dataclass(frozen=True, kw_only=True)
class Service:
    process: subprocess.Popen[bytes]
    log: Path
    client: httpx.Client

    def get_ready(self) -> dict[str, Any]:
        """What /ready says once everything is up."""
        answer: dict[str, Any] = wait_for(self._ready, "the service to be ready", self.log)
        return answer

    def ask(self, conversation: str, content: str) -> list[tuple[str, Any]]:
        """Name and data of every event of an answer."""
        url = f"/conversations/{conversation}/messages/stream"
        with self.client.stream("POST", url, json={"content": content}) as response:
            assert response.status_code == 200, response.read()
            return list(events(response.iter_lines()))

    def children(self) -> list[int]:
        """Process ids of what the service has started."""
        found = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, check=False
        )
        return [int(pid) for pid in found.stdout.split()]

    def stop(self) -> int:
        """Ends it the way Ctrl-C does; returns its exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(WITHIN)

    def _ready(self) -> dict[str, Any] | None:
        try:
            response = self.client.get("/ready")
        except httpx.TransportError:
            return None
        answer: dict[str, Any] = response.json()
        return answer if response.status_code == httpx.codes.OK else None


def events(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in lines:
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


@contextmanager
def serving(home: Path, papers: Path, models: Path, **settings: str) -> Iterator[Service]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TUNEDD_")}
    environment |= {"TUNEDD_HOME": str(home), "TUNEDD_PAPERS": str(papers), "TUNEDD_MODELS": str(models)}
    command = [sys.executable, "-m", "tunedd_api", "serve", "--port", "0"]
    log = home.with_suffix(".log")
    with log.open("ab") as output:
        output.truncate(0)
        process = subprocess.Popen(
            command, env=environment | settings, stdout=output, stderr=output, cwd=home.parent
        )
    try:
        address = wait_for(lambda: _address(process, log), "an address", log)
        with httpx.Client(base_url=address, timeout=WITHIN) as client:
            yield Service(process=process, log=log, client=client)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(WITHIN)


def _address(process: subprocess.Popen[bytes], log: Path) -> str | None:
    said = log.read_text("utf-8", "replace")
    if found := ADDRESS.search(said):
        return found[1]
    assert process.poll() is None, f"It ended at its start:\n{said}"
    return None


def wait_for(look: Any, what: str, log: Path) -> Any:
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise TimeoutError(f"Waited in vain for {what}. The log:\n{log.read_text('utf-8', 'replace')}")
