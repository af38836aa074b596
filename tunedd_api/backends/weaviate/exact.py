"""Texts as they are kept where they are compared as a whole, and filters that compare them so."""

import json

from haystack.errors import FilterError
from haystack_integrations.document_stores.weaviate._filters import convert_filters, validate_filters
from weaviate.collections.classes.filters import FilterReturn

from tunedd_api.backends.stores import Filters
from tunedd_api.backends.weaviate.definition import EXACT, ID, NUMBERS

QUOTE = '"'


def guarded(text: str) -> str:
    """Weaviate compares texts without the blanks around them; those that begin or end with one are quoted."""
    return json.dumps(text) if text != text.strip() or not text or text.startswith(QUOTE) else text


def unguarded(text: str) -> str:
    original: str = json.loads(text) if text.startswith(QUOTE) else text
    return original


def compiled(filters: Filters | None) -> FilterReturn | None:
    """Raises FilterError for what cannot be compared exactly: texts that are searched by their words."""
    validate_filters(filters)
    return convert_filters(_exact(filters)) if filters else None


def _exact(condition: Filters) -> Filters:
    if "field" not in condition:
        return {**condition, "conditions": [_exact(one) for one in condition.get("conditions", ())]}
    name = str(condition["field"]).removeprefix("meta.")
    field = ID if name == "id" else name
    if field not in (ID, *EXACT, *NUMBERS):
        raise FilterError(f"Passages cannot be selected by {name}.")
    return _comparison(field, condition)


def _comparison(field: str, condition: Filters) -> Filters:
    """With lists in the place of single texts: of those weaviate-haystack takes `2009` for a date."""
    operator, value = condition.get("operator"), condition.get("value")
    match operator, value:
        case "==", str():
            operator, value = "in", [guarded(value)]
        case "!=", str():
            operator, value = "not in", [guarded(value)]
        case "in", []:
            nothing = [{"field": field, "operator": one, "value": None} for one in ("==", "!=")]
            return {"operator": "AND", "conditions": nothing}
        case "in" | "not in", list():
            value = [guarded(one) if isinstance(one, str) else one for one in value]
    return {**condition, "field": field, "operator": operator, "value": value}
