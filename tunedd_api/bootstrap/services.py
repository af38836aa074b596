"""Everything, opened in its order and closed in the reverse."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import anyio
from anyio.abc import TaskGroup

from tunedd_api.backends.database import open_database
from tunedd_api.backends.model_files.weights import Weights
from tunedd_api.backends.models import AbsentModel, ServedModel, open_chat_model
from tunedd_api.bootstrap.arxiv import open_arxiv_papers
from tunedd_api.bootstrap.home import prepare_home, sole_indexer
from tunedd_api.bootstrap.library import LibraryParts, open_library
from tunedd_api.chat.answering import RagResponder
from tunedd_api.chat.records import SqlConversationRecords
from tunedd_api.chat.runs import Runs
from tunedd_api.chat.service import Chat
from tunedd_api.errors import SetupError
from tunedd_api.library.arxiv.adding import ArxivPapers
from tunedd_api.library.folder_sync import FolderSync
from tunedd_api.library.service import Library
from tunedd_api.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Services:
    """What the web application and the command line work with."""

    library: Library
    arxiv: ArxivPapers
    folder: FolderSync
    chat: Chat
    model: ServedModel
    tasks: TaskGroup
    """Ends with the services; what is started here is cancelled then."""


@asynccontextmanager
async def open_services(
    settings: Settings, *, indexes: bool = True, answers: bool = True, anew: bool = False
) -> AsyncIterator[Services]:
    """
    Everything, opened and running, until the block ends.

    With `indexes` this process is the one that indexes in this home; a second one raises HomeInUse. Without
    it, this process reads beside that one. Without `answers` no language model is started. With `anew` every
    document is indexed again, beside the index that serves.
    """
    prepare_home(settings)
    weights = Weights(settings.models_folder)
    async with AsyncExitStack() as stack:
        if indexes:
            stack.enter_context(sole_indexer(settings.home))
        database = await stack.enter_async_context(open_database(settings.database_url, settings.home))
        conversations = SqlConversationRecords(database)
        parts = await stack.enter_async_context(
            open_library(
                settings,
                weights,
                database,
                replaced=conversations.replace_document,
                builds=indexes,
                anew=anew,
            )
        )
        arxiv = await stack.enter_async_context(open_arxiv_papers(settings, database, parts.library))
        model = await stack.enter_async_context(_open_model(settings, weights, answers=answers))
        tasks = await stack.enter_async_context(_cancelled_at_end())
        if indexes:
            await conversations.end_interrupted()
            await parts.recover()
            tasks.start_soon(parts.indexer.run)
        yield _services(settings, parts, arxiv, conversations, model, tasks)


def _services(
    settings: Settings,
    parts: LibraryParts,
    arxiv: ArxivPapers,
    conversations: SqlConversationRecords,
    model: ServedModel,
    tasks: TaskGroup,
) -> Services:
    responder = RagResponder(library=parts.library, model=model, sources=settings.sources_per_answer)
    runs = Runs(responder=responder, records=conversations, tasks=tasks, timeout=settings.answer_timeout)
    chat = Chat(
        records=conversations,
        library=parts.library,
        runs=runs,
        max_question_chars=settings.max_question_chars,
    )
    return Services(
        library=parts.library, arxiv=arxiv, folder=parts.folder, chat=chat, model=model, tasks=tasks
    )


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
