"""Asking a server again, for a while."""

import httpx
import pytest

from tunedd_api.backends.asking import ask, broke_off, comes_back


class Server:
    """Fails so many times, then answers."""

    def __init__(self, failures: int) -> None:
        self.asked = 0
        self._failures = failures

    async def __call__(self) -> str:
        self.asked += 1
        if self.asked <= self._failures:
            raise ConnectionError
        return "yes"


async def test_a_server_that_comes_back_is_asked_again() -> None:
    server = Server(failures=2)
    assert await ask(server, again_after=broke_off, within=5) == "yes"
    assert server.asked == 3


async def test_one_that_does_not_is_given_up_with_its_last_error() -> None:
    server = Server(failures=1000)
    with pytest.raises(ConnectionError):
        await ask(server, again_after=broke_off, within=0.4)
    assert 2 <= server.asked <= 4


async def test_what_will_not_change_is_not_asked_again() -> None:
    server = Server(failures=1)
    with pytest.raises(ConnectionError):
        await ask(server, again_after=lambda error: False, within=5)
    assert server.asked == 1


@pytest.mark.parametrize(
    ("status", "again"), [(429, True), (500, True), (503, True), (501, False), (404, False)]
)
def test_some_statuses_are_passing(status: int, again: bool) -> None:
    assert comes_back(status) is again


def test_silence_is_no_broken_connection() -> None:
    assert broke_off(httpx.ReadError("gone"))
    assert not broke_off(httpx.ReadTimeout("silent"))
