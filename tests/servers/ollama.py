"""Ollama for tests. A server that is found has to have the models; nothing is pulled."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.servers.containers import container
from tests.servers.finding import absent, free_port, running, server

EMBEDDING_MODEL = os.environ.get("TUNEDD_TEST_OLLAMA_EMBEDDING_MODEL", "all-minilm:l6")
CHAT_MODEL = os.environ.get("TUNEDD_TEST_OLLAMA_CHAT_MODEL", "smollm2:135m")
ANSWERS_WITHIN = 10.0
"""Seconds."""
PULLED_WITHIN = 600.0


@contextmanager
def ollama() -> Iterator[str]:
    """URL (http://HOST:PORT) of a server with both models."""
    with server("ollama", "ollama", _started, _container) as url:
        missing = {EMBEDDING_MODEL, CHAT_MODEL} - _models(url)
        if missing:
            absent("ollama", f"the Ollama at {url} lacks {', '.join(sorted(missing))}: run ollama pull")
        yield url.rstrip("/")


def _models(url: str) -> set[str]:
    listed = httpx.get(f"{url.rstrip('/')}/api/tags", timeout=ANSWERS_WITHIN).raise_for_status().json()
    return {one["name"] for one in listed["models"]}


@contextmanager
def _started(program: str) -> Iterator[str]:
    """A server of its own over the models that are on this machine."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "OLLAMA_HOST": f"127.0.0.1:{port}", "OLLAMA_NOPRUNE": "1"}
    with tempfile.TemporaryDirectory(prefix="tunedd-ollama-") as folder:
        log = Path(folder) / "log"
        with running([program, "serve"], log=log, answers=lambda: _answers(url), env=environment):
            yield url


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/version", timeout=1).is_success
    except httpx.TransportError:
        return False


@contextmanager
def _container() -> Iterator[str]:
    with container("ollama/ollama:0.32.15", 11434, url="http://{}".format, answers=_answers) as url:
        for model in (EMBEDDING_MODEL, CHAT_MODEL):
            asked = {"model": model, "stream": False}
            httpx.post(f"{url}/api/pull", json=asked, timeout=PULLED_WITHIN).raise_for_status()
        yield url
