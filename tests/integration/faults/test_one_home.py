"""One home belongs to one service: a second says so and stops, and a killed one leaves nothing in the way."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import Service, serving
from tests.world import SAMPLES

WEIGHTLESS = {"TUNEDD_EMBEDDING_MODEL": "mock:", "TUNEDD_CHAT_MODEL": "echo:"}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with serving(tmp_path / "home", SAMPLES, tmp_path / "models", **WEIGHTLESS) as started:
        started.get_ready()
        yield started


def tunedd(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TUNEDD_")}
    environment |= {"TUNEDD_HOME": str(home), "TUNEDD_PAPERS": str(SAMPLES), **WEIGHTLESS}
    command = [sys.executable, "-m", "tunedd_api", *arguments]
    return subprocess.run(
        command, env=environment, cwd=home.parent, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("arguments", [("serve", "--port", "0"), ("index", str(SAMPLES))])
def test_a_second_process_on_the_same_home_says_so_and_stops(
    service: Service, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    ended = tunedd(tmp_path / "home", *arguments)
    assert ended.returncode == 1
    assert "Another Tunedd process works on" in ended.stderr
    assert "Traceback" not in ended.stderr
    # The first one goes on.
    assert service.get_ready()["documents"] == {"ready": 2}
    conversation = service.client.post("/conversations", json={}).json()["id"]
    assert service.ask(conversation, "How is a quotation verified?")[-1][0] == "done"


def test_questions_can_be_asked_at_the_terminal_beside_a_service(service: Service, tmp_path: Path) -> None:
    ended = tunedd(tmp_path / "home", "search", "citation")
    assert ended.returncode == 0, ended.stderr
    assert "page" in ended.stdout


def test_what_a_killed_service_leaves_does_not_hinder_the_next(service: Service, tmp_path: Path) -> None:
    service.process.send_signal(signal.SIGKILL)
    service.process.wait()
    assert (tmp_path / "home" / "indexing.lock").exists()
    ended = tunedd(tmp_path / "home", "index", str(SAMPLES))
    assert ended.returncode == 0, ended.stderr
