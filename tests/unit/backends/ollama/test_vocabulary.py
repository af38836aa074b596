"""Tokens counted with the vocabulary of a model."""

import pytest

from tunedd_api.backends.ollama.vocabulary import counter

TOKENS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "▁agent",
    "s",
    "▁learn",
    "ing",
    "▁,",
    "▁th",
    "e",
    "▁智",
    "▁[unused0]",
]
TYPES = [3, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 5]
BERT = {"model": "bert", "tokens": TOKENS, "token_type": TYPES, "unknown_token_id": 1}


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", 0),
        ("Agents, learning", 5),
        ("agentsagents", 1),
        ("thé", 2),
        ("智智", 2),
        ("zebra " * 3, 3),
        ("learn" + "s" * 300, 301),
    ],
    ids=["empty", "words", "unknown", "accent", "han", "unknowns", "long word"],
)
def test_word_pieces_are_counted_as_the_server_does(text: str, pieces: int) -> None:
    count, exact = counter(BERT)
    assert exact
    assert count([text]) == [2 + pieces]


def test_other_vocabularies_are_estimated() -> None:
    count, exact = counter({"model": "gpt2", "tokens": TOKENS})
    assert not exact
    assert count(["agents learn"]) == [2 + 4]


def test_a_server_that_gives_no_vocabulary_is_no_hindrance() -> None:
    assert not counter({"model": "bert", "tokens": None})[1]
