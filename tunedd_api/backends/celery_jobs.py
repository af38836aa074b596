"""Messages through Celery and Redis: each wakes one worker, which asks the database what to do."""

import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import anyio
import structlog
from anyio import to_thread
from celery import Celery

from tunedd_api.backends.jobs import UnknownJobs
from tunedd_api.errors import Unavailable

log = structlog.get_logger(__name__)

INDEX = "tunedd.index"
"""Name of the task."""
QUEUE = "tunedd"
PORT = 6379
TLS_OPTIONS = frozenset({"ssl_cert_reqs", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile"})
MOST_AT_ONCE = 8
"""Messages sent at a time: more workers than that look by themselves."""
WITHIN = 3.0
"""Seconds that Redis has to answer."""
AGAIN_AFTER = 3600
"""Seconds after which a message whose worker was never heard of again goes to another."""


class JobsUnavailable(Unavailable):
    """The server of TUNEDD_JOBS_URL cannot be reached; workers look for work by themselves meanwhile."""


def celery_app(url: str) -> Celery:
    """
    Acknowledged late: a message outlives the worker that took it. Results are rows of the database.

    Raises UnknownJobs.
    """
    place_of(url)
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
    if urlsplit(url).scheme == "rediss":
        # By default nobody would look at who is at the other end. What the URL says goes before this.
        app.conf.broker_use_ssl = {"ssl_cert_reqs": ssl.CERT_REQUIRED}
    return app


def place_of(url: str) -> str:
    """Host and port, without a password. Raises UnknownJobs for what Celery would meet much later."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORT
        options = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)).keys()
    except ValueError:
        # Without its words, which may hold a part of a password.
        raise UnknownJobs from None
    allowed = TLS_OPTIONS if parts.scheme == "rediss" else frozenset()
    if not parts.hostname or not re.fullmatch(r"/?\d*", parts.path) or options - allowed:
        raise UnknownJobs
    return f"{parts.hostname}:{port}"


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
        except Exception as error:
            # Many libraries have a say in it, and each has errors of its own.
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
            except Exception as error:
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
async def open_celery_jobs(app: Celery, place: str) -> AsyncIterator[CeleryJobs]:
    jobs = CeleryJobs(app, place)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(jobs.run)
        try:
            yield jobs
        finally:
            tasks.cancel_scope.cancel()
