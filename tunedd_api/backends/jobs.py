"""How the processes that index hear of work, by URL: the rows of the database say what it is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from tunedd_api.errors import MissingExtra, SetupError

if TYPE_CHECKING:
    from celery import Celery


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


def broker(url: str) -> "Celery | None":
    """None for `local:`, where the indexer of this very process is woken. Contacts nobody."""
    match url.partition(":")[0]:
        case "local":
            return None
        case "redis" | "rediss":
            try:
                from tunedd_api.backends.celery_jobs import celery_app
            except ImportError as error:
                raise MissingExtra.named(error.name, "servers") from error
            return celery_app(url)
        case _:
            raise UnknownJobs


@asynccontextmanager
async def open_jobs(url: str) -> AsyncIterator[Jobs | None]:
    """None for `local:`. Contacts nobody."""
    if (app := broker(url)) is None:
        yield None
        return
    from tunedd_api.backends.celery_jobs import open_celery_jobs, place_of

    async with open_celery_jobs(app, place_of(url)) as jobs:
        yield jobs
