"""One life of the service, from its start to its violent end, and the processes that can be killed in it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.serving import ADDRESS

WITHIN = 120.0
"""Seconds that anything may take before it counts as stuck."""
READER, MODEL = b"reading.process", b"llama_child"


class Stuck(Exception):
    """Something did not happen in time."""


@dataclass(frozen=True, kw_only=True)
class Life:
    process: subprocess.Popen[bytes]
    log: Path

    def address(self) -> str:
        """Where it listens, once it does."""
        deadline = time.monotonic() + WITHIN
        while time.monotonic() < deadline:
            if found := ADDRESS.search(self.log.read_text("utf-8", "replace")):
                return found[1]
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise Stuck(f"It did not start:\n{self.log.read_text('utf-8', 'replace')[-3000:]}")

    def child(self, kind: bytes) -> int | None:
        """The process id of its reader or its model, if there is one at this moment."""
        return next((pid for pid in self.children() if kind in _command(pid)), None)

    def children(self) -> list[int]:
        command = ["ps", "-o", "pid=", "--ppid", str(self.process.pid)]
        found = subprocess.run(command, capture_output=True, check=False).stdout
        return [pid for pid in map(int, found.split()) if READER in _command(pid) or MODEL in _command(pid)]

    def kill(self) -> list[str]:
        """`kill -9`; says which of its children outlive it."""
        children = self.children()
        self.process.kill()
        self.process.wait()
        deadline = time.monotonic() + WITHIN
        while (left := [pid for pid in children if alive(pid)]) and time.monotonic() < deadline:
            time.sleep(0.02)
        return [f"orphan: process {pid} outlived the service." for pid in left]

    def events(self) -> Iterator[Mapping[str, Any]]:
        """What it logged."""
        for line in self.log.read_text("utf-8", "replace").splitlines():
            if line.startswith("{"):
                try:
                    yield json.loads(line)
                except ValueError:
                    # The line that it was killed in.
                    continue


def start(home: Path, papers: Path, models: Path, log: Path, **settings: str) -> Life:
    """Begins a life; it is not waited for."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TUNEDD_")}
    environment |= {
        "TUNEDD_HOME": str(home),
        "TUNEDD_PAPERS": str(papers),
        "TUNEDD_MODELS": str(models),
        "TUNEDD_LOG_JSON": "true",
        **settings,
    }
    command = [sys.executable, "-m", "tunedd_api", "serve", "--port", "0"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, cwd=home.parent, start_new_session=True
        )
    return Life(process=process, log=log)


def strike(pid: int) -> bool:
    """`kill -9`; false if it was gone already."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""
