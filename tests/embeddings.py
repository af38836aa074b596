"""Stand-ins for an embedding model where a test is about counting, not about meaning."""

import re
from collections.abc import Sequence


class PieceCounter:
    """Counts pieces of up to four letters and every other sign, with two around each text, as MiniLM does."""

    name = "pieces"
    dimension = 3

    def __init__(self, max_tokens: int = 256) -> None:
        self.max_tokens = max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [2 + len(re.findall(r"\w{1,4}|[^\w\s]", text)) for text in texts]


class ByteCounter(PieceCounter):
    """Counts three bytes as one, spaces included: a whole can count more than its parts."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [2 + -(-len(text.encode()) // 3) for text in texts]
