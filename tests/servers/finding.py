"""
Where a server for tests comes from: TUNEDD_TEST_<NAME>_URL, else a program on the PATH, else a container.

Where none is found the test is skipped, and says why; TUNEDD_TEST_REQUIRE=postgres,redis makes a failure of
that for the servers that it names.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

STARTS_WITHIN = 60.0
"""Seconds."""

Starter = Callable[[str], AbstractContextManager[str]]
"""Starts a program, by its path, for the length of a block; gives the URL."""
Container = Callable[[], AbstractContextManager[str]]


@contextmanager
def server(name: str, program: str, starter: Starter, container: Container) -> Iterator[str]:
    """The URL of a server for the length of the block."""
    if url := os.environ.get(f"TUNEDD_TEST_{name.upper()}_URL"):
        yield url
    elif found := shutil.which(program):
        with starter(found) as url:
            yield url
    elif docker_answers():
        with container() as url:
            yield url
    else:
        absent(
            name,
            f"no {name}: TUNEDD_TEST_{name.upper()}_URL is not set, {program} is not on the PATH, and there "
            "is no Docker",
        )


def absent(name: str, reason: str) -> NoReturn:
    if name in os.environ.get("TUNEDD_TEST_REQUIRE", "").split(","):
        pytest.fail(f"{reason}, but TUNEDD_TEST_REQUIRE asks for it")
    pytest.skip(reason)


def docker_answers() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, timeout=20, check=False).returncode == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running(
    command: Sequence[str],
    *,
    log: Path,
    answers: Callable[[], bool],
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process from when `answers` until the end of the block. Its output lies in `log`."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=cwd, env=env)
    try:
        await_answer(
            answers,
            command[0],
            alive=lambda: process.poll() is None,
            said=lambda: log.read_text("utf-8", "replace")[-2000:],
        )
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def await_answer(
    answers: Callable[[], bool],
    what: str,
    *,
    alive: Callable[[], bool] = lambda: True,
    said: Callable[[], str] = lambda: "",
) -> None:
    """Fails the test if there is none in time, with what was `said` meanwhile."""
    deadline = time.monotonic() + STARTS_WITHIN
    while not answers():
        if not alive() or time.monotonic() > deadline:
            pytest.fail(f"{what} did not start:\n{said()}")
        time.sleep(0.05)


def accepts(port: int, host: str = "127.0.0.1") -> bool:
    """Whether something listens on this port."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False
