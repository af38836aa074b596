"""A weightless stand-in for an embedding model: texts that share words lie near each other."""

import hashlib
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class WordHashes:
    """
    Each word, by its hash, picks a number of the vector; no model, no files, the same on every machine.

    Give `vector` to Haystack's MockTextEmbedder and MockDocumentEmbedder as their `embedding_fn`.
    """

    name = "mock/word-hashes"
    max_tokens = 256

    def __init__(self, dimension: int = 256) -> None:
        self.dimension = dimension

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(_words(text)) for text in texts]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit vector per text."""
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            # A text without words must lie somewhere too.
            for word in _words(text)[: self.max_tokens] or [""]:
                vector[_hash(word) % self.dimension] += 1.0
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)

    def vector(self, text: str) -> list[float]:
        values: list[float] = self.embed([text])[0].tolist()
        return values


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode(errors="replace"), digest_size=8).digest())
