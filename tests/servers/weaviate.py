"""Weaviate for tests: a server for all of them, a collection for each."""

import asyncio
import os
import secrets
import shutil
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

from tests.servers.containers import container
from tests.servers.finding import accepts, free_port, running, server
from tunedd_api.backends.passages import discard_other_passages
from tunedd_api.backends.weaviate.address import parse

IMAGE = "semitechnologies/weaviate:1.39.0"
KEY = "a-key-of-tests"
SETTINGS = {
    "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "true",
    "DEFAULT_VECTORIZER_MODULE": "none",
    "ENABLE_MODULES": "",
    "API_BASED_MODULES_DISABLED": "true",
    "DISABLE_TELEMETRY": "true",
    "CLUSTER_HOSTNAME": "node1",
    "RAFT_BOOTSTRAP_EXPECT": "1",
}
WITH_KEY = {
    **SETTINGS,
    "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "false",
    "AUTHENTICATION_APIKEY_ENABLED": "true",
    "AUTHENTICATION_APIKEY_ALLOWED_KEYS": KEY,
    "AUTHENTICATION_APIKEY_USERS": "tests",
    "AUTHORIZATION_ADMINLIST_ENABLED": "true",
    "AUTHORIZATION_ADMINLIST_USERS": "tests",
    "AUTOSCHEMA_ENABLED": "false",
}


@contextmanager
def weaviate() -> Iterator[str]:
    """URL of a server that lets everybody in."""
    with server("weaviate", "weaviate", partial(_started, SETTINGS), partial(_container, SETTINGS)) as url:
        yield url


@contextmanager
def weaviate_with_key() -> Iterator[str]:
    """URL of a server that wants KEY, and makes no collections by itself: as it should be set up."""
    starter, container = partial(_started, WITH_KEY), partial(_container, WITH_KEY)
    with server("weaviate_with_key", "weaviate", starter, container) as url:
        yield url


@contextmanager
def fresh_collections(server_url: str) -> Iterator[str]:
    """URL of a name under which the server has nothing yet; what was made there is deleted at the end."""
    url = f"{server_url}&collection=Test{secrets.token_hex(6)}"
    try:
        yield url
    finally:
        asyncio.run(discard_other_passages(url, Path(), []))


@contextmanager
def _started(settings: dict[str, str], program: str) -> Iterator[str]:
    http, grpc = free_port(), free_port()
    gossip, raft = _free_pair(), _free_pair()
    folder = Path(tempfile.mkdtemp(prefix="tunedd-weaviate-"))
    env = {
        **os.environ,
        **settings,
        "PERSISTENCE_DATA_PATH": str(folder / "data"),
        "GRPC_PORT": str(grpc),
        "CLUSTER_IN_LOCALHOST": "true",
        "CLUSTER_BIND_ADDR": "127.0.0.1",
        "CLUSTER_ADVERTISE_ADDR": "127.0.0.1",
        "CLUSTER_GOSSIP_BIND_PORT": str(gossip),
        "CLUSTER_DATA_BIND_PORT": str(gossip + 1),
        "RAFT_PORT": str(raft),
        "RAFT_INTERNAL_RPC_PORT": str(raft + 1),
        "RAFT_JOIN": "node1",
        "GO_PROFILING_DISABLE": "true",
    }
    command = [program, "--scheme", "http", "--host", "127.0.0.1", "--port", str(http)]
    try:
        url = f"weaviate://127.0.0.1:{http}?grpc={grpc}"
        with running(command, log=folder / "log", answers=lambda: _answers(url), cwd=folder, env=env):
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_pair() -> int:
    """The lower of two free ports in a row: each part of a node is expected above the one it belongs to."""
    while accepts((port := free_port()) + 1):
        pass
    return port


def _answers(url: str) -> bool:
    address = parse(url)
    ready = f"http://{address.host}:{address.port}/v1/.well-known/ready"
    try:
        with urllib.request.urlopen(ready, timeout=1) as answer:
            return answer.status == 200 and accepts(address.grpc_port, address.grpc_host)
    except OSError:
        return False


def _container(settings: dict[str, str]) -> AbstractContextManager[str]:
    return container(
        IMAGE,
        8080,
        50051,
        url=lambda http, grpc: f"weaviate://{http}?grpc={grpc.rpartition(':')[2]}",
        answers=_answers,
        environment={**settings, "PERSISTENCE_DATA_PATH": "/var/lib/weaviate"},
    )
