"""The named queries of a package, in one dialect of SQL."""

import re
from importlib.resources import files
from typing import Any

import aiosql

NAME = re.compile(r"^-- name: (\w+)", re.MULTILINE)


def named_queries(package: str, adapter: Any, *, dialect: str | None = None) -> Any:
    """
    Those of `queries.sql` as functions of a connection; `queries.DIALECT.sql` holds other versions of some.

    `adapter` is a driver of aiosql, or its name.
    """
    folder = files(package)
    queries = _by_name(folder.joinpath("queries.sql").read_text("utf-8"))
    if dialect is not None:
        own = folder.joinpath(f"queries.{dialect}.sql")
        if own.is_file():
            queries |= _by_name(own.read_text("utf-8"))
    return aiosql.from_str("\n".join(queries.values()), adapter)


def _by_name(text: str) -> dict[str, str]:
    starts = [*NAME.finditer(text)]
    ends = [*(start.start() for start in starts[1:]), len(text)]
    return {start[1]: text[start.start() : end] for start, end in zip(starts, ends, strict=True)}
