"""Addresses of models on Ollama servers."""

import pytest

from tunedd_api.backends.ollama.address import Address, parse


@pytest.mark.parametrize(
    ("url", "address", "model"),
    [
        ("ollama://host?model=phi3", "http://host:11434", "phi3:latest"),
        ("ollama://10.0.0.1:1234?model=all-minilm:l6", "http://10.0.0.1:1234", "all-minilm:l6"),
        ("ollama+https://host?model=a", "https://host", "a:latest"),
        ("ollama+https://host/models/?model=a:b", "https://host/models", "a:b"),
        ("ollama://[::1]:11434?model=a:b", "http://[::1]:11434", "a:b"),
        ("ollama://host?model=hub.example:80/me/a", "http://host:11434", "hub.example:80/me/a:latest"),
    ],
)
def test_host_port_and_model_are_read(url: str, address: str, model: str) -> None:
    assert parse(url) == Address(url=address, model=model)


@pytest.mark.parametrize(
    "url",
    [
        "ollama:",
        "ollama://host",
        "ollama://?model=a",
        "ollama://host:x?model=a",
        "ollama://host:99999?model=a",
        "ollama://[::1?model=a",
        "ollama://a\x00b?model=a",
        "http://host?model=a",
    ],
)
def test_what_is_none_is_refused(url: str) -> None:
    assert parse(url) is None
