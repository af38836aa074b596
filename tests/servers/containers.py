"""Containers for tests, where there is a Docker engine."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from tests.servers.finding import await_answer


@contextmanager
def container(
    image: str,
    *ports: int,
    url: Callable[..., str],
    answers: Callable[[str], bool],
    environment: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """
    The URL of a container from when it `answers` until the end of the block.

    `url` makes it of one `HOST:PORT` for each of the ports.
    """
    from testcontainers.core.container import DockerContainer

    made = DockerContainer(image).with_exposed_ports(*ports)
    for name, value in (environment or {}).items():
        made.with_env(name, value)
    with made as started:
        host = started.get_container_host_ip()
        at = url(*(f"{host}:{started.get_exposed_port(port)}" for port in ports))
        await_answer(lambda: answers(at), image)
        yield at
