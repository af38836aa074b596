"""Services that are opened as soon as the servers they need are there."""

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import anyio
import structlog
from anyio.abc import TaskStatus

from tunedd_api.backends.prometheus import PrometheusMeasures
from tunedd_api.bootstrap.services import Services, open_services
from tunedd_api.errors import SetupError, TuneddError, Unavailable, leaves
from tunedd_api.settings import Settings

log = structlog.get_logger(__name__)

AGAIN_AFTER = 3.0
"""Seconds."""


@dataclass(kw_only=True)
class Opening:
    """The services, once they are open; until then why they are not."""

    measures: PrometheusMeasures = field(default_factory=PrometheusMeasures)
    services: Services | None = None
    problem: TuneddError | None = None
    closing: anyio.Event = field(default_factory=anyio.Event)
    """Set when they are to be closed in their order, rather than cancelled."""
    ended: threading.Event = field(default_factory=threading.Event)
    """Set when they are closed, or broke down: for a thread that waits beside them."""


@asynccontextmanager
async def keep_open(
    settings: Settings, *, answers: bool = True, works: bool = True, watches: bool = True
) -> AsyncIterator[Opening]:
    """
    For `answers` and `works` see `open_services`; with `watches` the papers folder is looked at.

    Tries once before the block begins, then again and again in the background.

    Raises SetupError if that is what the first try meets: it would not go away by itself.
    """
    opening = Opening()
    async with anyio.create_task_group() as tasks:
        opens = partial(open_services, settings, answers=answers, works=works, measures=opening.measures)
        await tasks.start(_hold, opens, watches, opening)
        try:
            yield opening
        finally:
            opening.closing.set()
            if opening.services is None:
                tasks.cancel_scope.cancel()


async def _hold(
    opens: Callable[[], AbstractAsyncContextManager[Services]],
    watches: bool,
    opening: Opening,
    *,
    task_status: TaskStatus[None],
) -> None:
    try:
        await _open_again_and_again(opens, watches, opening, task_status)
    finally:
        opening.services = None
        opening.ended.set()


async def _open_again_and_again(
    opens: Callable[[], AbstractAsyncContextManager[Services]],
    watches: bool,
    opening: Opening,
    task_status: TaskStatus[None],
) -> None:
    tried = False
    while True:
        try:
            async with opens() as services:
                if watches:
                    services.tasks.start_soon(services.watch_folder)
                opening.services, opening.problem = services, None
                if not tried:
                    tried = True
                    task_status.started()
                await opening.closing.wait()
                return
        except Exception as error:
            # An error of a task inside is in a group.
            problem = next((leaf for leaf in leaves(error) if isinstance(leaf, TuneddError)), None)
            lasting = not tried and isinstance(problem, SetupError)
            if lasting or not isinstance(problem, Unavailable | SetupError):
                raise
            opening.services, opening.problem = None, problem
            log.warning("opening.waits", reason=problem.message, again_in=AGAIN_AFTER)
            if not tried:
                tried = True
                task_status.started()
        await anyio.sleep(AGAIN_AFTER)
