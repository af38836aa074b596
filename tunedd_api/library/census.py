"""How many documents and passages there are: counted by the database, for whoever watches the service."""

from dataclasses import dataclass

from tunedd_api.backends.database import Database
from tunedd_api.library.model import Status


@dataclass(frozen=True, kw_only=True)
class Count:
    """Of the documents that stand alike in one index."""

    serving: bool
    """In the index that serves; else in the one that is being built beside it."""
    status: Status
    documents: int
    passages: int


class SqlCensus:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = database.queries(__package__)

    async def count(self) -> list[Count]:
        async with self._database.read() as connection:
            return [
                Count(
                    serving=bool(row["serving"]),
                    status=Status(row["state"]),
                    documents=row["documents"],
                    passages=row["passages"],
                )
                async for row in self._sql.count_by_state(connection)
            ]
