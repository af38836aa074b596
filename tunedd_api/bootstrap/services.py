"""Everything, opened in its order and closed in the reverse."""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio
from anyio.abc import TaskGroup

from tunedd_api.backends.database import Database, open_database
from tunedd_api.backends.jobs import Jobs, open_jobs
from tunedd_api.backends.model_files.weights import Weights
from tunedd_api.backends.models import AbsentModel, ServedModel, open_chat_model
from tunedd_api.backends.prometheus import PrometheusMeasures
from tunedd_api.backends.traces import open_traces
from tunedd_api.bootstrap.arxiv import open_arxiv_papers
from tunedd_api.bootstrap.home import is_shared, prepare_home, sole_indexer
from tunedd_api.bootstrap.library import LibraryParts, open_library
from tunedd_api.bootstrap.upkeep import Upkeep
from tunedd_api.bootstrap.watch import Watch
from tunedd_api.chat.answering import RagResponder
from tunedd_api.chat.presence import SqlPresence
from tunedd_api.chat.records import SqlConversationRecords
from tunedd_api.chat.runs import Runs
from tunedd_api.chat.service import Chat
from tunedd_api.errors import SetupError
from tunedd_api.library.arxiv.adding import ArxivPapers
from tunedd_api.library.census import SqlCensus
from tunedd_api.library.folder_sync import FolderSync
from tunedd_api.library.indexes import Check, Indexes
from tunedd_api.library.service import Library
from tunedd_api.settings import Settings

EMBEDDED = ("sqlite:", "memory:")
"""Stores of passages that cannot lose anything while the service runs."""


@dataclass(frozen=True, kw_only=True)
class Services:
    """What the web application and the command line work with."""

    library: Library
    arxiv: ArxivPapers
    folder: FolderSync
    chat: Chat
    model: ServedModel
    measures: PrometheusMeasures
    watch: Watch
    tasks: TaskGroup
    """Ends with the services; what is started here is cancelled then."""
    indexes: Indexes
    checks: Callable[[], Mapping[str, Check]]
    """What is needed now, by name; each raises Unavailable or SetupError where it is not there."""
    work: Callable[[], Coroutine[Any, Any, bool]]
    """Wakes the indexer of this process; whether anything waits for it."""
    watch_folder: Callable[[], Coroutine[Any, Any, None]]
    """Keeps the library in step with the papers folder, until cancelled."""


@asynccontextmanager
async def open_services(
    settings: Settings,
    *,
    indexes: bool = True,
    answers: bool = True,
    anew: bool = False,
    works: bool = True,
    measures: PrometheusMeasures | None = None,
) -> AsyncIterator[Services]:
    """
    Everything, opened and running, until the block ends.

    With `indexes` this process is the one that indexes in this home; a second one raises HomeInUse, unless
    all stores are shared. Without it, this process reads beside that one. Without `answers` no language model
    is started. With `anew` every document is indexed again, beside the index that serves. Without `works` the
    indexing is left to the workers that TUNEDD_JOBS_URL reaches.
    """
    prepare_home(settings)
    shared = is_shared(settings)
    weights = Weights(settings.models_folder)
    measures = measures or PrometheusMeasures()
    async with AsyncExitStack() as stack:
        # First, so that it ends last: what is told while all else ends is sent too.
        await stack.enter_async_context(open_traces(settings))
        if indexes and not shared:
            stack.enter_context(sole_indexer(settings.home))
        database = await stack.enter_async_context(open_database(settings.database_url, settings.home))
        presence = SqlPresence(database)
        conversations = SqlConversationRecords(database, process=presence.id)
        jobs = None if works else await stack.enter_async_context(open_jobs(settings.jobs_url))
        parts = await stack.enter_async_context(
            open_library(
                settings,
                weights,
                database,
                measures,
                replaced=conversations.replace_document,
                jobs=jobs,
                builds=indexes,
                anew=anew,
            )
        )
        arxiv = await stack.enter_async_context(open_arxiv_papers(settings, database, parts.library))
        model = await stack.enter_async_context(_open_model(settings, weights, answers=answers))
        tasks = await stack.enter_async_context(_cancelled_at_end())
        if shared:
            await stack.enter_async_context(presence.kept())
        if indexes:
            upkeep = Upkeep(parts=parts, conversations=conversations, presence=presence, jobs=jobs)
            if shared:
                tasks.start_soon(database.lead, "upkeep", upkeep.run)
                tasks.start_soon(upkeep.follow)
            else:
                await upkeep.recover()
                if not settings.passages_url.startswith(EMBEDDED):
                    tasks.start_soon(upkeep.watch)
            if works:
                tasks.start_soon(parts.indexer.run)
        yield _services(settings, parts, arxiv, conversations, model, tasks, measures, database, jobs)


def _services(
    settings: Settings,
    parts: LibraryParts,
    arxiv: ArxivPapers,
    conversations: SqlConversationRecords,
    model: ServedModel,
    tasks: TaskGroup,
    measures: PrometheusMeasures,
    database: Database,
    jobs: Jobs | None,
) -> Services:
    responder = RagResponder(
        library=parts.library, model=model, sources=settings.sources_per_answer, measures=measures
    )
    runs = Runs(
        responder=responder,
        records=conversations,
        tasks=tasks,
        timeout=settings.answer_timeout,
        measures=measures,
    )
    chat = Chat(
        records=conversations,
        library=parts.library,
        runs=runs,
        max_question_chars=settings.max_question_chars,
        measures=measures,
    )
    watch = Watch(
        measures=measures,
        census=SqlCensus(database),
        runs=runs,
        responder=responder,
        settings=settings,
    )
    return Services(
        library=parts.library,
        arxiv=arxiv,
        folder=parts.folder,
        chat=chat,
        model=model,
        measures=measures,
        watch=watch,
        tasks=tasks,
        indexes=parts.indexes,
        checks=partial(_checks, database, parts, model, jobs),
        work=partial(_work, parts),
        watch_folder=partial(_watch_folder, database, parts.folder, settings.watch_seconds),
    )


def _checks(
    database: Database, parts: LibraryParts, model: ServedModel, jobs: Jobs | None
) -> Mapping[str, Check]:
    checks = {"database": database.check, **parts.indexes.checks(), "chat model": model.check}
    return checks | ({"jobs": jobs.check} if jobs else {})


async def _work(parts: LibraryParts) -> bool:
    parts.indexer.wake()
    return await parts.queue.waiting([index.row.stamp for index in parts.indexes]) > 0


async def _watch_folder(database: Database, folder: FolderSync, every: float) -> None:
    # Where another process looks at the folder this one does not wait for it.
    folder.complete = database.shared
    await database.lead("folder", partial(folder.watch, every))


@asynccontextmanager
async def _open_model(settings: Settings, weights: Weights, *, answers: bool) -> AsyncIterator[ServedModel]:
    if not answers:
        yield AbsentModel("none", SetupError("This process was started without a language model."))
        return
    async with open_chat_model(settings, weights) as model:
        yield model


@asynccontextmanager
async def _cancelled_at_end() -> AsyncIterator[TaskGroup]:
    async with anyio.create_task_group() as tasks:
        try:
            yield tasks
        finally:
            tasks.cancel_scope.cancel()
