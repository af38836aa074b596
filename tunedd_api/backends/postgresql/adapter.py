"""How aiosql talks to asyncpg here: writes count their rows, and text has no null characters."""

from collections.abc import Iterable
from typing import Any

from aiosql.adapters.asyncpg import AsyncPGAdapter

NULL = "\0"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class CountingAdapter(AsyncPGAdapter):
    """As the drivers of SQLite do it."""

    async def insert_update_delete(self, conn: Any, query_name: str, sql: str, parameters: Any) -> int:
        """Number of rows."""
        status: str = await super().insert_update_delete(  # type: ignore[no-untyped-call]
            conn, query_name, sql, parameters
        )
        return int(status.rpartition(" ")[2])

    def maybe_order_params(self, query_name: str, parameters: Any) -> Iterable[Any]:
        ordered = super().maybe_order_params(query_name, parameters)  # type: ignore[no-untyped-call]
        # PostgreSQL's text holds every character but this one; SQLite's holds it, and PDFs bring it.
        return [one.replace(NULL, REPLACEMENT) if isinstance(one, str) else one for one in ordered]
