"""The class of a collection of passages: exact ids and whole numbers, words to search, vectors of ours."""

from collections.abc import Iterator, Mapping
from typing import Any

from tunedd_api.errors import SetupError

EXACT = ("document_id", "stamp", "section")
"""Fields of a passage's meta that are compared as a whole. By default Weaviate compares their words, where
`2009.pdf` and `2009b.pdf` share one."""
NUMBERS = ("page", "start", "end", "position")
"""Without a definition they would come back as 1.0."""
WORDS = ("title", "content")
"""What is searched by words; the content is no meta."""
FIELDS = (*EXACT, *NUMBERS, "title")
"""All that a passage's meta may hold."""
ID = "_original_id"
"""As weaviate-haystack calls it: Weaviate's own ids are UUIDs."""


ADVICE = "Delete it, or put &collection=ANOTHER_NAME behind TUNEDD_PASSAGES_URL; then all is indexed anew."


class OtherDefinition(SetupError):
    """The collection was not made by this service."""


def definition(name: str, dimension: int) -> dict[str, Any]:
    return {
        "class": name,
        # Weaviate takes the dimension from the first vector, and has no other place to write it down.
        "description": _description(dimension),
        "vectorizer": "none",
        "vectorIndexConfig": {"distance": "cosine"},
        "invertedIndexConfig": {"indexNullState": True},
        "properties": list(_properties()),
    }


def verify(found: Mapping[str, Any], dimension: int) -> None:
    """Raises OtherDefinition, for a definition as the server gives it."""
    name = found["class"]
    expected = {one["name"]: _shape(one) for one in _properties()}
    if {one["name"]: _shape(one) for one in found.get("properties", ())} != expected:
        raise OtherDefinition(
            f"Weaviate's collection {name} was made by another program or version. {ADVICE}"
        )
    if found.get("description") != _description(dimension):
        said = found.get("description") or "another program made it"
        raise OtherDefinition(
            f"Weaviate's collection {name} is of another kind ({said}), while the embedding model makes "
            f"vectors of {dimension} numbers. {ADVICE}"
        )


def is_stray(found: Mapping[str, Any]) -> bool:
    """Whether Weaviate itself made it, of passages written to a collection just deleted."""
    return "auto-schema" in (found.get("description") or "")


def _description(dimension: int) -> str:
    return f"Passages, with vectors of {dimension} numbers"


def _properties() -> Iterator[dict[str, Any]]:
    for name in (ID, *EXACT):
        yield {"name": name, "dataType": ["text"], "tokenization": "field", "indexSearchable": False}
    for name in NUMBERS:
        yield {"name": name, "dataType": ["int"]}
    for name in WORDS:
        yield {"name": name, "dataType": ["text"], "tokenization": "word", "indexFilterable": False}


def _shape(found: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(found["dataType"]), found.get("tokenization") or None
