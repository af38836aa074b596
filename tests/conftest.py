"""What all tests share."""

# First of all: it keeps Haystack from reporting its use, which it decides when it is first imported.
import tunedd_api  # noqa: F401  # isort: skip

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.ollama import ollama
from tests.servers.postgres import fresh_database, postgres
from tests.servers.redis import redis
from tests.servers.weaviate import fresh_collections, weaviate
from tests.world import ROOT


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The service runs on asyncio alone."""
    return "asyncio"


@pytest.fixture(scope="session")
def models() -> Path:
    """Where real models are kept between test runs."""
    return Path(os.environ.get("TUNEDD_TEST_MODELS", ROOT / "var" / "test-models"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty database of its own for each test."""
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with redis() as url:
        yield url


@pytest.fixture(scope="session")
def ollama_server() -> Iterator[str]:
    """One that has the models of the tests."""
    with ollama() as url:
        yield url


@pytest.fixture(scope="session")
def weaviate_server() -> Iterator[str]:
    with weaviate() as url:
        yield url


@pytest.fixture
def weaviate_url(weaviate_server: str) -> Iterator[str]:
    """A name of its own for the collections of each test."""
    with fresh_collections(weaviate_server) as url:
        yield url


@pytest.fixture(params=["memory:", "sqlite:passages.db", "weaviate:"])
def passages_url(request: pytest.FixtureRequest) -> str:
    """Each store of passages that the service can work with, empty."""
    if request.param == "weaviate:":
        url: str = request.getfixturevalue("weaviate_url")
        return url
    return str(request.param)


@pytest.fixture(params=["memory:", "sqlite:tunedd.db", "postgresql:"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Each database that the service can work with, empty."""
    if request.param == "postgresql:":
        url: str = request.getfixturevalue("postgres_url")
        return url
    return str(request.param)
