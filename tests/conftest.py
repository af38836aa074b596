"""What all tests share."""

# First of all: it keeps Haystack from reporting its use, which it decides when it is first imported.
import tunedd_api  # noqa: F401  # isort: skip

import os
from pathlib import Path

import pytest

from tests.world import ROOT


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The service runs on asyncio alone."""
    return "asyncio"


@pytest.fixture(scope="session")
def models() -> Path:
    """Where real models are kept between test runs."""
    return Path(os.environ.get("TUNEDD_TEST_MODELS", ROOT / "var" / "test-models"))
