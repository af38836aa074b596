"""Which indexes there are, in SQL: the one that serves, and the one that is being built beside it."""

from collections.abc import Mapping

from tunedd_api.backends.database import Database
from tunedd_api.library.model import IndexRow, Status
from tunedd_api.library.records import now


class SqlIndexRecords:
    """Fulfils `IndexRecords`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = database.queries(__package__)

    async def all(self) -> list[IndexRow]:
        """The one that serves first."""
        async with self._database.read() as connection:
            return [
                IndexRow(
                    stamp=row["stamp"],
                    embedder=row["embedder"],
                    dimension=row["dimension"],
                    cut=row["cut"],
                    model=row["model"],
                    place=row["place"],
                    serving=bool(row["serving"]),
                )
                async for row in self._sql.all_indexes(connection)
            ]

    async def add(self, index: IndexRow) -> None:
        async with self._database.write() as connection:
            await self._sql.add_index(
                connection,
                stamp=index.stamp,
                embedder=index.embedder,
                dimension=index.dimension,
                cut=index.cut,
                model=index.model,
                place=index.place,
                serving=index.serving,
                created_at=now(),
            )

    async def adopt(self, stamp: str, *, embedder: str, model: str) -> None:
        """The vectors were found to agree with another embedding model."""
        async with self._database.write() as connection:
            await self._sql.adopt_index(connection, stamp=stamp, embedder=embedder, model=model)

    async def drop(self, stamp: str) -> None:
        """Forgets an index that does not serve."""
        async with self._database.write() as connection:
            await self._sql.drop_index(connection, stamp=stamp)
            await self._sql.drop_stale_indexings(connection)

    async def switch(self, stamp: str) -> bool:
        async with self._database.write() as connection:
            if await self._sql.lacks_documents(connection, stamp=stamp):
                return False
            await self._sql.retire_index(connection)
            await self._sql.serve_index(connection, stamp=stamp)
            await self._sql.drop_stale_indexings(connection)
        return True

    async def lost(self, *, serving: str, building: str) -> list[str]:
        async with self._database.read() as connection:
            rows = self._sql.lost_documents(connection, serving=serving, building=building)
            return [row["document_id"] async for row in rows]

    async def states(self, stamp: str) -> Mapping[Status, int]:
        """Number of documents by the state of their indexing."""
        async with self._database.read() as connection:
            rows = self._sql.count_states(connection, stamp=stamp)
            return {Status(row["state"]): row["documents"] async for row in rows}

    async def ready_passages(self, stamp: str) -> Mapping[str, int]:
        """How many passages each ready document has."""
        async with self._database.read() as connection:
            rows = self._sql.ready_passages(connection, stamp=stamp)
            return {row["document_id"]: row["passages"] async for row in rows}
