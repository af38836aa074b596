"""Tokens without a tokenizer are counted high."""

import pytest

from tunedd_api.backends.token_estimate import estimate_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("   ", 0),
        ("an agent", 3),
        ("0.1234", 6),
        ("(a,b)", 5),
        ("one\ntwo", 3),
        ("智能", 6),
        ("ü", 2),
        ("\ud800", 1),
    ],
)
def test_letters_signs_and_bytes(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens
