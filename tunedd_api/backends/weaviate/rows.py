"""Passages as objects of Weaviate: Haystack's documents written there, and read back the same."""

from typing import Any
from uuid import UUID

from haystack import Document as HaystackDocument
from weaviate.classes.data import DataObject
from weaviate.util import generate_uuid5

from tunedd_api.backends.weaviate.definition import EXACT, FIELDS, ID
from tunedd_api.backends.weaviate.exact import guarded, unguarded

NULLABLE = ("section",)
"""Fields that a passage has even where they are empty; Weaviate does not tell that from having none."""


def uuid_of(id: str) -> UUID:
    """What an object is called in Weaviate: the same passage is the same object."""
    return UUID(generate_uuid5(id))


def to_object(passage: HaystackDocument) -> DataObject[Any, Any]:
    """Raises ValueError for what has no place in the collection."""
    if unknown := set(passage.meta) - set(FIELDS):
        raise ValueError(f"Passages in Weaviate have no {', '.join(sorted(unknown))}")
    if passage.blob is not None or passage.sparse_embedding is not None:
        raise ValueError("Passages in Weaviate have neither data nor sparse vectors")
    properties = {
        name: guarded(value) if name in EXACT else value
        for name, value in passage.meta.items()
        if value is not None
    }
    return DataObject(
        uuid=uuid_of(passage.id),
        properties={**properties, ID: passage.id, "content": passage.content},
        # Embedders give arrays too, which the client takes for a mapping of several vectors.
        vector=None if passage.embedding is None else list(passage.embedding),
    )


def to_passage(found: Any, score: float | None = None) -> HaystackDocument:
    """Of an object with all its properties."""
    kept = found.properties
    meta = {
        name: unguarded(kept[name]) if name in EXACT and kept[name] is not None else kept[name]
        for name in FIELDS
        if kept[name] is not None or name in NULLABLE
    }
    return HaystackDocument(
        id=kept[ID],
        content=kept["content"],
        meta=meta,
        embedding=found.vector.get("default") if found.vector else None,
        score=score,
    )
