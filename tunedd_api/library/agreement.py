"""Whether stored vectors are such as an embedding model makes: proved on a sample, not believed by name."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from haystack import Document as HaystackDocument

from tunedd_api.backends.stores import Store

SAMPLE = 6
"""Passages that are embedded again: a tenth of a second."""
SAME = 0.97
"""Least cosine of every pair. Two builds of one model, or one build in other batches, stay above it; a
coarsely quantised build falls below it, and another model's vectors are at right angles."""


async def agree(embedder: Any, store: Store) -> bool:
    """True for a store without vectors too. Raises what embedder and store raise."""
    stored = await store.sample_documents_async(SAMPLE)
    if not stored:
        return True
    blank = [replace(one, embedding=None, score=None) for one in stored]
    embedded: Sequence[HaystackDocument] = (await embedder.run_async(documents=blank))["documents"]
    return all(
        len(before.embedding or ()) == len(after.embedding or ())
        and cosine(before.embedding or (), after.embedding or ()) >= SAME
        for before, after in zip(stored, embedded, strict=True)
    )


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """Between -1 and 1; 0 where one of them has no direction."""
    a, b = np.asarray(one, dtype=np.float32), np.asarray(other, dtype=np.float32)
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / lengths if lengths else 0.0
