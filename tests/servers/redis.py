"""Redis for tests."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from redis import Redis, RedisError

from tests.servers.containers import container
from tests.servers.finding import free_port, running, server


@contextmanager
def redis() -> Iterator[str]:
    with server("redis", "redis-server", _started, _container) as url:
        yield url


@contextmanager
def _started(program: str) -> Iterator[str]:
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="tunedd-redis-"))
    url = f"redis://127.0.0.1:{port}/0"
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    try:
        with running(command, log=folder / "log", answers=lambda: _answers(url)):
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _container() -> AbstractContextManager[str]:
    return container("redis:7.2.16-alpine", 6379, url="redis://{}/0".format, answers=_answers)


def _answers(url: str) -> bool:
    client = Redis.from_url(url)
    try:
        return bool(client.ping())
    except RedisError:
        return False
    finally:
        client.close()
