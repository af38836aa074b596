"""What the errors of asyncpg mean to those who use the service."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import asyncpg

from tunedd_api.errors import DiskFull, SetupError, StoreUnavailable, TuneddError

UNREACHABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    # The client's own, as when a connection that was lent breaks.
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
OVERTAXED = (
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InsufficientResourcesError,
    # What another process has changed meanwhile: the next attempt sees it.
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.InvalidCachedStatementError,
)
NO_ADDRESS = "TUNEDD_DATABASE_URL is no address. In a password # / : @ are written %23 %2F %3A %40."
SETTING = "Set TUNEDD_DATABASE_URL to postgresql://USER:PASSWORD@HOST/NAME."


def address(url: str) -> str:
    """Host, port and database, without user and password."""
    parts = urlsplit(url)
    return f"{parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Errors of the driver inside the block, as callers of the service know them; `place` is the address."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
        if meant := _meaning(error, place):
            raise meant from error
        raise


def _meaning(error: Exception, place: str) -> TuneddError | None:
    match error:
        case asyncpg.DiskFullError():
            return DiskFull(f"The disk of PostgreSQL at {place} is full.")
        case asyncpg.InvalidPasswordError() | asyncpg.InvalidAuthorizationSpecificationError():
            return SetupError(f"PostgreSQL at {place} refuses this user or password. {SETTING}")
        case asyncpg.InvalidCatalogNameError():
            return SetupError(f"PostgreSQL has no database {place}: create it. {SETTING}")
        case asyncpg.ClientConfigurationError() | asyncpg.UndefinedObjectError():
            return SetupError(f"PostgreSQL at {place} cannot be asked like this: {error}. {SETTING}")
        case asyncpg.InsufficientPrivilegeError():
            return SetupError(f"PostgreSQL at {place} does not let this user work: {error}. {SETTING}")
        case error if isinstance(error, OVERTAXED):
            return StoreUnavailable(f"PostgreSQL at {place} cannot do this now: {error}.")
        case error if isinstance(error, UNREACHABLE):
            reason = str(error) or type(error).__name__
            return StoreUnavailable(f"PostgreSQL at {place} cannot be reached: {reason}.")
        case _:
            return None
