"""Redis for tests."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.finding import accepts, free_port, running, server


@contextmanager
def redis() -> Iterator[str]:
    with server("redis", "redis-server", _started, _container) as url:
        yield url


@contextmanager
def _started(program: str) -> Iterator[str]:
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="tunedd-redis-"))
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    try:
        with running(command, log=folder / "log", answers=lambda: accepts(port)):
            yield f"redis://127.0.0.1:{port}/0"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _container() -> Iterator[str]:
    from testcontainers.redis import RedisContainer

    with RedisContainer("redis:7") as container:
        yield f"redis://{container.get_container_host_ip()}:{container.get_exposed_port(6379)}/0"
