"""Addresses of models on OpenAI-compatible servers."""

import pytest

from tunedd_api.backends.openai_compatible.address import Address, parse


@pytest.mark.parametrize(
    ("url", "address", "model"),
    [
        ("openai+https://host/v1?model=a", "https://host/v1", "a"),
        ("openai+http://10.0.0.1:8000/v1?model=me/a:b", "http://10.0.0.1:8000/v1", "me/a:b"),
        ("openai+http://[::1]:8000/v1?model=a", "http://[::1]:8000/v1", "a"),
    ],
)
def test_address_and_model_are_read(url: str, address: str, model: str) -> None:
    assert parse(url) == Address(url=address, model=model)


@pytest.mark.parametrize(
    "url",
    [
        "openai+http:",
        "openai+http://host/v1",
        "openai+http:?model=a",
        "openai+ftp://host/v1?model=a",
        "http://host/v1?model=a",
        "openai+http://[h/v1?model=a",
        "openai+http://[::1?model=a",
        "openai+http://h:abc/v1?model=a",
        "openai+http://h:99999/v1?model=a",
        "openai+http://256.256.256.256/v1?model=a",
    ],
)
def test_what_is_none_is_refused(url: str) -> None:
    assert parse(url) is None
