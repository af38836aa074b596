"""Containers for tests, as far as they can be tried where there is no Docker engine."""

import subprocess
import sys

import pytest

from tests.servers.finding import await_answer


def test_what_starts_containers_can_be_had_without_a_warning() -> None:
    """Where there is an engine, a warning at the import would fail every test over a container."""
    command = [
        sys.executable,
        "-W",
        "error",
        "-c",
        "from testcontainers.core.container import DockerContainer",
    ]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr


def test_a_server_that_is_gone_is_not_awaited() -> None:
    with pytest.raises(pytest.fail.Exception, match="a server did not start:\nno room"):
        await_answer(lambda: False, "a server", alive=lambda: False, said=lambda: "no room")


def test_a_server_is_awaited_until_it_answers() -> None:
    answers = iter([False, False, True])
    await_answer(lambda: next(answers), "a server")
    assert next(answers, None) is None
