"""Settings in, working services out. The only place that names concrete classes."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio.abc import TaskGroup
from filelock import FileLock, Timeout

from tunedd_api.backends.cores import usable_cores
from tunedd_api.backends.database import Database, open_database
from tunedd_api.backends.embedding import choose_embedder
from tunedd_api.backends.model_files.weights import Weights
from tunedd_api.backends.models import AbsentModel, ServedModel, open_chat_model
from tunedd_api.backends.passages import open_passages
from tunedd_api.chat.answering import RagResponder
from tunedd_api.chat.records import SqlConversationRecords
from tunedd_api.chat.runs import Runs
from tunedd_api.chat.service import Chat
from tunedd_api.errors import SetupError
from tunedd_api.library.cutting.passages import CUT
from tunedd_api.library.indexing import Indexing
from tunedd_api.library.originals import Originals
from tunedd_api.library.reading.reader import Reader, ReadingLimits
from tunedd_api.library.records import SqlDocumentRecords
from tunedd_api.library.retrieval import Retrieval
from tunedd_api.library.service import Library
from tunedd_api.library.worker import Indexer
from tunedd_api.settings import Settings


class HomeInUse(SetupError):
    """Another service works on this home."""


class HomeUnusable(SetupError):
    """The home cannot be used."""


CHOOSE = "set TUNEDD_HOME to a folder that this user may write to."


@dataclass(frozen=True, kw_only=True)
class Services:
    """What the web application and the command line work with."""

    library: Library
    chat: Chat
    model: ServedModel
    tasks: TaskGroup
    """Ends with the services; what is started here is cancelled then."""


@asynccontextmanager
async def open_services(
    settings: Settings, *, indexes: bool = True, answers: bool = True
) -> AsyncIterator[Services]:
    """
    Everything, opened and running, until the block ends.

    With `indexes` this process is the one that indexes in this home; a second one raises HomeInUse. Without
    it, this process reads beside that one. Without `answers` no language model is started.
    """
    _prepare_home(settings)
    weights = Weights(settings.models_folder)
    async with AsyncExitStack() as stack:
        if indexes:
            stack.enter_context(_sole_indexer(settings.home))
        database = await stack.enter_async_context(open_database(settings.database_url, settings.home))
        library, indexer = await stack.enter_async_context(_open_library(settings, weights, database))
        model = await stack.enter_async_context(_open_model(settings, weights, answers=answers))
        tasks = await stack.enter_async_context(_cancelled_at_end())
        conversations = SqlConversationRecords(database)
        if indexes:
            await conversations.end_interrupted()
            await library.recover()
            await indexer.recover()
            tasks.start_soon(indexer.run)
        responder = RagResponder(library=library, model=model, sources=settings.sources_per_answer)
        runs = Runs(responder=responder, records=conversations, tasks=tasks, timeout=settings.answer_timeout)
        chat = Chat(
            records=conversations,
            library=library,
            runs=runs,
            max_question_chars=settings.max_question_chars,
        )
        yield Services(library=library, chat=chat, model=model, tasks=tasks)


@asynccontextmanager
async def _open_library(
    settings: Settings, weights: Weights, database: Database
) -> AsyncIterator[tuple[Library, Indexer]]:
    embedder = choose_embedder(settings, weights, threads=settings.threads or usable_cores())
    embedding = embedder.model
    stamp = f"{embedding.name}/{embedding.dimension}/{CUT}"
    records = SqlDocumentRecords(database, stamp)
    originals = Originals(settings.home / "files")
    reader = Reader(
        ReadingLimits(
            seconds=settings.reading_timeout, memory_mb=settings.reading_memory_mb, pages=settings.max_pages
        )
    )
    with open_passages(settings.passages_url, settings.home, dimension=embedding.dimension) as passages:
        indexing = Indexing(embedder.documents, passages.store)
        retrieval = Retrieval(embedder=embedder.text, dense=passages.dense, lexical=passages.lexical)
        await retrieval.warm_up()
        indexer = Indexer(
            records=records,
            originals=originals,
            reader=reader,
            indexing=indexing,
            embedding=embedding,
            stamp=stamp,
        )
        library = Library(
            records=records,
            originals=originals,
            search=retrieval,
            removal=indexing,
            wake_indexer=indexer.wake,
        )
        try:
            yield library, indexer
        finally:
            await reader.close()


def _prepare_home(settings: Settings) -> None:
    if settings.database_url == settings.passages_url != "memory:":
        raise SetupError("TUNEDD_DATABASE_URL and TUNEDD_PASSAGES_URL must be two different files.")
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        home = settings.home.absolute()
        raise HomeUnusable(f"{home} cannot be made ({error.strerror}): {CHOOSE}") from error


@contextmanager
def _sole_indexer(home: Path) -> Iterator[None]:
    lock = FileLock(home / "indexing.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise HomeInUse(
            f"Another Tunedd process works on {home.absolute()}. Put files into its papers folder, send them "
            "to POST /documents, or set TUNEDD_HOME to another folder."
        ) from error
    except OSError as error:
        raise HomeUnusable(f"{home.absolute()} cannot be written to ({error.strerror}): {CHOOSE}") from error
    try:
        yield
    finally:
        lock.release()


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
