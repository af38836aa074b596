"""Passages for tests of stores: complete as indexing writes them, with vectors that words make."""

from typing import Any

from haystack import Document as HaystackDocument

from tunedd_api.backends.mock_embedder import WordHashes
from tunedd_api.library.indexing import passage_id

hashes = WordHashes(64)


def passage(document_id: str, text: str, **meta: Any) -> HaystackDocument:
    fields = {
        "document_id": document_id,
        "title": "On insects",
        "page": 1,
        "start": 0,
        "end": len(text),
        "section": "1 One",
        "position": 0,
        "stamp": "s",
        **meta,
    }
    return HaystackDocument(
        id=passage_id(document_id, fields["stamp"], fields["position"]),
        content=text,
        meta=fields,
        embedding=hashes.vector(f"{fields['title']} {text}"),
    )


def selected(**fields: Any) -> dict[str, Any]:
    """A filter for passages whose meta has all of these."""
    conditions = [{"field": f"meta.{name}", "operator": "==", "value": one} for name, one in fields.items()]
    return {"operator": "AND", "conditions": conditions}
