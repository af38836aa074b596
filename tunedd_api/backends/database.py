"""A small async interface to the SQL database: named queries, reads, and writes that are transactions."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar, Protocol

from tunedd_api.errors import MissingExtra, SetupError

Row = Any
"""One row of an answer: a mapping of the names of its columns."""


class UnknownDatabase(SetupError):
    """TUNEDD_DATABASE_URL must be sqlite:FILE, memory:, or postgresql://USER:PASSWORD@HOST/NAME."""


class Database(Protocol):
    """One SQL database, of whichever dialect. Rows are looked into by the names of their columns."""

    shared: ClassVar[bool]
    """Whether several processes, on several machines, may work on it."""

    def queries(self, package: str) -> Any:
        """
        The named queries of the `queries.sql` in a package, as functions of a connection.

        Where a dialect has to differ, `queries.DIALECT.sql` beside it holds its own version of a query.
        """
        ...

    def read(self) -> AbstractAsyncContextManager[Any]:
        """A connection to read from."""
        ...

    def write(self) -> AbstractAsyncContextManager[Any]:
        """A transaction: all of it is stored when the block ends well, none of it otherwise."""
        ...

    def exclusive(self, name: str) -> AbstractAsyncContextManager[None]:
        """One holder of this name at a time, among all processes that work on the database."""
        ...

    async def lead(self, task: str, work: Callable[[], Awaitable[None]]) -> None:
        """
        Carries out `work` while this process leads in this task, among all on the database, until cancelled.

        Where it is the only one it always does. `work` is cancelled when another process may take over.
        """
        ...

    async def check(self) -> None:
        """Raises Unavailable where it cannot be reached."""
        ...


@asynccontextmanager
async def open_database(url: str, home: Path) -> AsyncIterator[Database]:
    """
    Opens `sqlite:FILE` (relative to home), `memory:` or `postgresql://…`, brought up to the newest schema.

    Raises UnknownDatabase, NewerSchema, StoreUnavailable, SetupError.
    """
    scheme, _, name = url.partition(":")
    match scheme:
        case "memory":
            from tunedd_api.backends.sqlite.database import open_sqlite

            async with open_sqlite(":memory:") as database:
                yield database
        case "sqlite" if name:
            from tunedd_api.backends.sqlite.database import open_sqlite

            async with open_sqlite(str(home / name)) as database:
                yield database
        case "postgresql" | "postgres":
            try:
                from tunedd_api.backends.postgresql.database import open_postgresql
            except ImportError as error:
                raise MissingExtra.named(error.name, "servers") from error
            async with open_postgresql(url) as server:
                yield server
        case _:
            raise UnknownDatabase
