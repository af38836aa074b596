"""What the tests of the backends share."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    # Haystack marks its own asynchronous tests for another plug-in; here anyio runs them all the same.
    config.addinivalue_line("markers", "asyncio: an asynchronous test of Haystack's")
