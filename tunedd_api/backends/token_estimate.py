"""How many tokens a text has at most, where its tokenizer is not at hand."""

import re

PIECES = re.compile(r"[A-Za-z]+|[^\x00-\x7f]+|[^\sA-Za-z]|\n")
LETTERS = 3
"""Of a word. English words have four letters a token and more, names and parts of formulas fewer."""


def estimate_tokens(text: str) -> int:
    """
    More than tokenizers make of it: three letters are one, every other sign of ASCII is one, as in tables of
    numbers, and of all else every byte.
    """
    total = 0
    for piece in PIECES.findall(text):
        if not piece.isascii():
            total += len(piece.encode(errors="replace"))
        elif piece.isalpha():
            total += -(-len(piece) // LETTERS)
        else:
            total += 1
    return total
