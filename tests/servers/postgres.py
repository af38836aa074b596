"""PostgreSQL for tests: a server for all of them, a database for each."""

import asyncio
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from tests.servers.containers import container
from tests.servers.finding import free_port, running, server

QUICK = ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
"""What is written here is of no use tomorrow."""
USER = "tunedd"


@contextmanager
def postgres() -> Iterator[str]:
    """URL of a server on which databases may be made."""
    with server("postgres", "postgres", _started, _container) as url:
        yield url


@contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """URL of an empty database; it is dropped at the end."""
    name = f"test_{secrets.token_hex(6)}"
    asyncio.run(_execute(server_url, f"CREATE DATABASE {name}"))
    try:
        yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
    finally:
        asyncio.run(_execute(server_url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@contextmanager
def _started(program: str) -> Iterator[str]:
    """A server in a folder of its own, which is no system's."""
    port = free_port()
    url = f"postgresql://{USER}@127.0.0.1:{port}/postgres"
    folder = Path(tempfile.mkdtemp(prefix="tunedd-postgres-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody")
        data = folder / "data"
        initdb = Path(program).resolve().with_name("initdb")
        make = [str(initdb), "-D", str(data), "-U", USER, "--auth=trust", "--no-sync", "-E", "UTF8"]
        subprocess.run(_as_user(make), check=True, capture_output=True, cwd=folder)
        serve = [program, "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder), *QUICK]
        with running(_as_user(serve), log=folder / "log", answers=lambda: _answers(url), cwd=folder):
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_user(command: Sequence[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["setpriv", "--reuid=nobody", "--clear-groups", *command] if os.geteuid() == 0 else [*command]


def _answers(url: str) -> bool:
    try:
        asyncio.run(_execute(url, "SELECT 1"))
    except (OSError, asyncpg.PostgresError):
        return False
    return True


def _container() -> AbstractContextManager[str]:
    return container(
        "postgres:17.11",
        5432,
        url=f"postgresql://{USER}@{{}}/postgres".format,
        answers=_answers,
        environment={"POSTGRES_USER": USER, "POSTGRES_HOST_AUTH_METHOD": "trust"},
    )
