"""Haystack's filters as SQL conditions over a passage's JSON meta; every value travels as a parameter."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from haystack.errors import FilterError

Filters = dict[str, Any] | None
FIELD_NAME = re.compile(r"[\w -]+")
"""What one step of a field's path may be. SQLite's JSON paths have no way to escape a quote."""
ORDERINGS = {">", ">=", "<", "<="}
NUL = "\0"
"""No stored text has it: SQLite's JSON would end there, and take two ids for one."""
LARGEST_INTEGER = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A boolean SQL expression with its parameters. It may be NULL, which counts as false."""

    sql: str
    parameters: tuple[Any, ...] = ()

    def negated(self) -> "Condition":
        return Condition(sql=f"NOT ifnull(({self.sql}), 0)", parameters=self.parameters)


EVERYTHING = Condition(sql="1")
COLUMNS = {
    "id": Condition(sql="id"),
    "content": Condition(sql="content"),
    "meta.document_id": Condition(sql="document_id"),
}
"""Compared to the letter: two ids that read as the same date are still two."""


def compile_filters(filters: Mapping[str, Any] | None) -> Condition:
    """Raises FilterError for anything that is not a Haystack filter."""
    if not filters:
        return EVERYTHING
    if not isinstance(filters, Mapping):
        raise FilterError(f"A filter must be a dictionary, not {type(filters).__name__}")
    if "field" in filters:
        return _comparison(filters)
    return _combination(filters)


def selected_documents(filters: Mapping[str, Any] | None) -> list[str] | None:
    """The ids, where the filter asks for nothing but passages of certain documents."""
    if not filters or filters.get("field") != "meta.document_id" or filters.get("operator") != "in":
        return None
    value = filters.get("value")
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    return None


def moment(text: object) -> float | None:
    """Seconds since 1970 of an ISO date; None for anything else. Without a zone it is read as UTC."""
    if not isinstance(text, str) or not re.match(r"\d{4}-\d\d-\d\d([T ]|$)", text):
        return None
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


def _combination(filters: Mapping[str, Any]) -> Condition:
    operator, conditions = _required(filters, "operator"), _required(filters, "conditions")
    parts = [compile_filters(condition) for condition in conditions]
    match operator:
        case "AND":
            return _joined(" AND ", parts, empty="1")
        case "OR":
            return _joined(" OR ", parts, empty="0")
        case "NOT":
            return _joined(" AND ", parts, empty="1").negated()
    raise FilterError(f"Unknown logical operator {operator!r}: use AND, OR or NOT")


def _joined(operator: str, parts: Sequence[Condition], *, empty: str) -> Condition:
    return Condition(
        sql=operator.join(f"({part.sql})" for part in parts) or empty,
        parameters=tuple(value for part in parts for value in part.parameters),
    )


def _comparison(filters: Mapping[str, Any]) -> Condition:
    operator, value = _required(filters, "operator"), _required(filters, "value")
    field = _field(filters["field"])
    match operator:
        case "==":
            return _equal(field, value)
        case "!=":
            return _equal(field, value).negated()
        case "in":
            return _in(field, value)
        case "not in":
            return _in(field, value).negated()
    if operator in ORDERINGS:
        return _ordered(field, operator, value)
    raise FilterError(f"Unknown comparison operator {operator!r}")


def _required(filters: Mapping[str, Any], key: str) -> Any:
    if key not in filters:
        raise FilterError(f"The filter {filters} has no {key!r}")
    return filters[key]


def _field(name: object) -> Condition:
    """The SQL expression that yields the field's value."""
    if not isinstance(name, str):
        raise FilterError(f"A field's name must be a string, not {type(name).__name__}")
    if name in COLUMNS:
        return COLUMNS[name]
    steps = name.removeprefix("meta.").split(".")
    if not all(FIELD_NAME.fullmatch(step) for step in steps):
        raise FilterError(f"{name!r} is not a field's name")
    path = "$" + "".join(f'."{step}"' for step in steps)
    return Condition(sql="json_extract(meta, ?)", parameters=(path,))


def _equal(field: Condition, value: Any) -> Condition:
    if value is None:
        return Condition(sql=f"{field.sql} IS NULL", parameters=field.parameters)
    if isinstance(value, list | dict):
        return Condition(sql=f"{field.sql} = json(?)", parameters=(*field.parameters, json.dumps(value)))
    same = Condition(sql=f"{field.sql} = ?", parameters=(*field.parameters, _scalar(value)))
    date = moment(value)
    if date is None or field in COLUMNS.values():
        return same
    return Condition(
        sql=f"{same.sql} OR moment({field.sql}) = ?", parameters=(*same.parameters, *field.parameters, date)
    )


def _in(field: Condition, values: Any) -> Condition:
    if not isinstance(values, list):
        raise FilterError(f"'in' and 'not in' take a list, not {type(values).__name__}")
    exact = field in COLUMNS.values()
    if all(isinstance(value, str) and (exact or moment(value) is None) for value in values):
        # One parameter, however many ids: SQLite limits the number of parameters.
        sql = f"{field.sql} IN (SELECT value FROM json_each(?))"
        possible = [value for value in values if NUL not in value]
        return Condition(sql=sql, parameters=(*field.parameters, json.dumps(possible)))
    return _joined(" OR ", [_equal(field, value) for value in values], empty="0")


def _ordered(field: Condition, operator: str, value: Any) -> Condition:
    if value is None:
        return Condition(sql="0")
    if isinstance(value, str):
        date = moment(value)
        if date is None:
            raise FilterError(f"{operator} compares numbers and ISO dates, not {value!r}")
        return Condition(sql=f"moment({field.sql}) {operator} ?", parameters=(*field.parameters, date))
    if not isinstance(value, int | float):
        raise FilterError(f"{operator} compares numbers and ISO dates, not {type(value).__name__}")
    # In SQLite any text is larger than any number.
    return Condition(
        sql=f"typeof({field.sql}) IN ('integer', 'real') AND {field.sql} {operator} ?",
        parameters=(*field.parameters, *field.parameters, _scalar(value)),
    )


def _scalar(value: Any) -> Any:
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        return float(value)
    if isinstance(value, str):
        # Half of a surrogate pair cannot be stored, so nothing equals it; it must not raise either.
        return value.encode(errors="replace").decode()
    if isinstance(value, int | float):
        return value
    raise FilterError(f"A filter cannot compare with {type(value).__name__}")
