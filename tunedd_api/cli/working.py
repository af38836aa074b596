"""`tunedd worker`: indexes documents for services that share their stores."""

import os
import signal
import threading
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal

from tunedd_api.backends.allocator import share_memory_between_threads
from tunedd_api.backends.jobs import broker
from tunedd_api.cli.terminal import say
from tunedd_api.cli.weights import pull_missing
from tunedd_api.errors import SetupError, Unavailable
from tunedd_api.logs import set_up_logs
from tunedd_api.settings import Settings

if TYPE_CHECKING:
    from celery import Celery

    from tunedd_api.bootstrap import Opening

LOOK_EVERY = 0.5
"""Seconds between two looks whether there is still something to do."""


def worker() -> None:
    """Indexes documents of a library in PostgreSQL and Weaviate, beside other workers. Ctrl-C ends it."""
    share_memory_between_threads()
    settings = Settings()
    set_up_logs(settings.log_level, as_json=settings.log_json)
    # Imported here, as in all commands: pipelines take seconds that `--help` need not wait.
    from tunedd_api.bootstrap import keep_open
    from tunedd_api.bootstrap.home import SERVERS_NEEDED, is_shared

    if not is_shared(settings):
        raise SetupError(SERVERS_NEEDED.format("Processes of `tunedd worker`"))
    anyio.run(pull_missing, settings, False)
    app = broker(settings.jobs_url)
    stopping = threading.Event()
    # Until those who wait for them take both signals over.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with start_blocking_portal() as portal:
            opening = keep_open(settings, answers=False, watches=False)
            with portal.wrap_async_context_manager(opening) as opened, _measured(settings, opened):
                say("Tunedd waits for documents to index (Ctrl-C ends it)")
                threading.Thread(target=_end_with, args=(opened, stopping), daemon=True).start()
                try:
                    if app is None:
                        _wait(stopping)
                    else:
                        _take_messages(app, portal, opened, stopping)
                finally:
                    stopping.set()
    except* KeyboardInterrupt:
        # Being asked to end is no failure.
        pass


def _measured(settings: Settings, opening: "Opening") -> AbstractContextManager[object]:
    from tunedd_api.backends.prometheus import exposed

    if settings.metrics_port is None:
        return nullcontext()
    return exposed(opening.measures, settings.host, settings.metrics_port)


def _end_with(opening: "Opening", stopping: threading.Event) -> None:
    """A worker whose services broke down ends as if it were told to, and then says why."""
    opening.ended.wait()
    if not stopping.is_set():
        os.kill(os.getpid(), signal.SIGTERM)


def _wait(stopping: threading.Event) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    # In steps: a signal is only noticed between two of them.
    while not stopping.wait(LOOK_EVERY):
        pass


def _take_messages(
    app: "Celery", portal: BlockingPortal, opening: "Opening", stopping: threading.Event
) -> None:
    from celery import signals

    from tunedd_api.backends.celery_jobs import INDEX
    from tunedd_api.library.worker import AT_A_TIME

    def index() -> None:
        """Wakes the indexer of this process, and holds the message until nothing waits any more."""
        while not stopping.is_set() and portal.call(_work, opening):
            stopping.wait(LOOK_EVERY)

    app.task(index, name=INDEX)
    signals.worker_shutting_down.connect(lambda **_: stopping.set(), weak=False)
    app.Worker(
        pool="threads", concurrency=AT_A_TIME, loglevel="WARNING", without_mingle=True, quiet=True
    ).start()


async def _work(opening: "Opening") -> bool:
    """Whether something waits that this process could take on."""
    if opening.services is None:
        return False
    try:
        return await opening.services.work()
    except Unavailable:
        return False
