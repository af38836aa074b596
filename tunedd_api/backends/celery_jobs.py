"""Messages through Celery and Redis: each wakes one worker, which asks the database what to do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import anyio
import structlog
from anyio import to_thread
from celery import Celery
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from tunedd_api.errors import Unavailable

log = structlog.get_logger(__name__)

INDEX = "tunedd.index"
"""Name of the task."""
QUEUE = "tunedd"
MOST_AT_ONCE = 8
"""Messages sent at a time: more workers than that look by themselves."""
WITHIN = 3.0
"""Seconds that Redis has to answer."""
AGAIN_AFTER = 3600
"""Seconds after which a message whose worker was never heard of again goes to another."""


class JobsUnavailable(Unavailable):
    """The server of TUNEDD_JOBS_URL cannot be reached; workers look for work by themselves meanwhile."""


def celery_app(url: str) -> Celery:
    """Acknowledged late: a message outlives the worker that took it. Results are rows of the database."""
    app = Celery("tunedd", broker=url)
    app.conf.update(
        task_default_queue=QUEUE,
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=WITHIN,
        broker_transport_options={
            "visibility_timeout": AGAIN_AFTER,
            "socket_timeout": WITHIN,
            "socket_connect_timeout": WITHIN,
        },
    )
    return app


class CeleryJobs:
    """Fulfils `Jobs`."""

    def __init__(self, app: Celery, place: str) -> None:
        """`place`: the server's address, without a password."""
        self.problem: str | None = None
        self._app = app
        self._place = place
        self._waiting = 0
        self._news = anyio.Event()

    def wake(self, count: int = 1) -> None:
        self._waiting = min(self._waiting + count, MOST_AT_ONCE)
        self._news.set()

    async def check(self) -> None:
        try:
            with anyio.fail_after(WITHIN):
                await to_thread.run_sync(self._ping, abandon_on_cancel=True)
        except (KombuError, RedisError, OSError, TimeoutError) as error:
            raise JobsUnavailable(f"Redis at {self._place} cannot be reached: {error}.") from error

    async def run(self) -> None:
        """Sends what there is to send, until cancelled."""
        while True:
            await self._news.wait()
            self._news, count = anyio.Event(), self._waiting
            self._waiting = 0
            try:
                await to_thread.run_sync(self._send, count, abandon_on_cancel=True)
                self.problem = None
            except (KombuError, RedisError, OSError) as error:
                if self.problem is None:
                    log.warning("jobs.not_sent", place=self._place, reason=str(error))
                self.problem = (
                    f"Redis at {self._place} cannot be reached; workers look for work by themselves."
                )

    def _send(self, count: int) -> None:
        with self._app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=WITHIN)
            for _ in range(count):
                self._app.send_task(INDEX, connection=connection, retry=False, ignore_result=True)

    def _ping(self) -> None:
        with self._app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=WITHIN)


@asynccontextmanager
async def open_celery_jobs(url: str) -> AsyncIterator[CeleryJobs]:
    parts = urlsplit(url)
    jobs = CeleryJobs(celery_app(url), f"{parts.hostname}:{parts.port or 6379}")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(jobs.run)
        try:
            yield jobs
        finally:
            tasks.cancel_scope.cancel()
