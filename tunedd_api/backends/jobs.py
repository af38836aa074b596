"""How the processes that index hear of work, by URL: the rows of the database say what it is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from tunedd_api.errors import MissingExtra, SetupError


class UnknownJobs(SetupError):
    """TUNEDD_JOBS_URL must be local: or redis://:PASSWORD@HOST:6379/0 (rediss:// for TLS)."""


class Jobs(Protocol):
    """Wakes the processes that index. What it sends may get lost: they look by themselves, now and then."""

    problem: str | None
    """Why nothing can be sent."""

    def wake(self, count: int = 1) -> None:
        """So many documents wait. Returns at once."""
        ...

    async def check(self) -> None:
        """Raises Unavailable where nothing can be sent."""
        ...


@asynccontextmanager
async def open_jobs(url: str) -> AsyncIterator[Jobs | None]:
    """None for `local:`, where the indexer of this very process is woken. Contacts nobody."""
    match url.partition(":")[0]:
        case "local":
            yield None
        case "redis" | "rediss":
            try:
                from tunedd_api.backends.celery_jobs import open_celery_jobs
            except ImportError as error:
                raise MissingExtra.named(error.name, "servers") from error
            async with open_celery_jobs(url) as jobs:
                yield jobs
        case _:
            raise UnknownJobs
