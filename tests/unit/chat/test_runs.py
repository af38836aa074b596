"""Runs: what followers see, what is stored, and how a run ends."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from tunedd_api.backends.database import open_database
from tunedd_api.chat.model import (
    AnswerRunning,
    AnswerTookTooLong,
    Done,
    Event,
    Failed,
    Message,
    MessageStatus,
    Part,
    RunStarted,
    Source,
    SourcesFound,
    Token,
    Turn,
    Usage,
    Used,
)
from tunedd_api.chat.records import SqlConversationRecords
from tunedd_api.chat.run import Run
from tunedd_api.chat.runs import Runs
from tunedd_api.chat.stream import EventStream
from tunedd_api.errors import DiskFull, ModelUnavailable

SOURCES = SourcesFound(
    sources=(Source(number=1, document_id="d", title="A paper", page=3, text="Words.", score=0.5),)
)
USAGE = Usage(prompt_tokens=5, completion_tokens=2)


class Scripted:
    """A responder that yields what it is given, and raises, waits or crashes where told to."""

    def __init__(self, *script: Part | Exception | asyncio.Event) -> None:
        self._script = script

    async def respond(self, turn: Turn) -> AsyncGenerator[Part]:
        for step in self._script:
            match step:
                case Exception():
                    raise step
                case asyncio.Event():
                    await step.wait()
                case _:
                    yield step


Start = Callable[..., object]


@asynccontextmanager
async def answering(
    tmp_path: Path, *script: Part | Exception | asyncio.Event, timeout: float = 60
) -> AsyncIterator[tuple[Run, SqlConversationRecords, str, Runs]]:
    async with (
        open_database("sqlite:tunedd.db", tmp_path) as database,
        anyio.create_task_group() as tasks,
    ):
        records = SqlConversationRecords(database)
        runs = Runs(responder=Scripted(*script), records=records, tasks=tasks, timeout=timeout)
        conversation = await records.add(title="New", document_ids=None)
        message = await records.open_turn(conversation.id, "What?", None)
        yield runs.start(conversation.id, message, Turn(question="What?")), records, conversation.id, runs


async def followed(run: Run, after: int = 0) -> list[tuple[int, Event]]:
    async with aclosing(run.follow(after)) as events:
        return [event async for event in events]


async def stored(records: SqlConversationRecords, conversation: str) -> Message:
    return (await records.messages(conversation))[1]


async def test_events_are_numbered_and_end_with_the_stored_message(tmp_path: Path) -> None:
    script = (SOURCES, Token(text="Four"), Token(text=" words."), Used(usage=USAGE))
    async with answering(tmp_path, *script) as (run, records, conversation, _):
        events = await followed(run)
        assert [number for number, _ in events] == [1, 2, 3, 4, 5]
        kinds = [type(event) for _, event in events]
        assert kinds == [RunStarted, SourcesFound, Token, Token, Done]
        message = await stored(records, conversation)
        assert events[-1][1] == Done(message=message)
        assert (message.content, message.status) == ("Four words.", MessageStatus.COMPLETE)
        assert (message.sources, message.usage) == (SOURCES.sources, USAGE)


async def test_a_late_follower_sees_everything_and_one_that_comes_back_the_rest(tmp_path: Path) -> None:
    async with answering(tmp_path, SOURCES, Token(text="Yes.")) as (run, *_):
        whole = await followed(run)
        assert await followed(run) == whole
        assert await followed(run, after=2) == whole[2:]


async def test_an_answer_outlives_its_follower(tmp_path: Path) -> None:
    rest = asyncio.Event()
    script = (Token(text="One"), rest, Token(text=" two."))
    async with answering(tmp_path, *script) as (run, records, conversation, _):
        async with aclosing(run.follow()) as events:
            async for _, event in events:
                if isinstance(event, Token):
                    break
        rest.set()
        await run.finished()
        assert (await stored(records, conversation)).content == "One two."


async def test_a_failed_model_ends_the_answer_with_one_error_and_keeps_what_was_written(
    tmp_path: Path,
) -> None:
    script = (SOURCES, Token(text="Half"), ModelUnavailable("It stopped."))
    async with answering(tmp_path, *script) as (run, records, conversation, _):
        events = [event for _, event in await followed(run)]
        assert events[-1] == Failed(error="ModelUnavailable", message="It stopped.", retryable=True)
        assert sum(isinstance(event, Done | Failed) for event in events) == 1
        message = await stored(records, conversation)
        assert (message.content, message.status, message.error) == (
            "Half",
            MessageStatus.FAILED,
            "It stopped.",
        )
        with pytest.raises(ModelUnavailable):
            await run.finished()


async def test_a_bug_ends_one_answer_and_says_nothing_of_its_inside(tmp_path: Path) -> None:
    async with answering(tmp_path, ValueError("secret")) as (run, records, conversation, _):
        last = (await followed(run))[-1][1]
        assert isinstance(last, Failed)
        assert "secret" not in last.message
        assert not last.retryable
        assert (await stored(records, conversation)).status is MessageStatus.FAILED


async def test_an_answer_that_takes_too_long_is_ended_and_kept(tmp_path: Path) -> None:
    script = (Token(text="Slow"), asyncio.Event())
    async with answering(tmp_path, *script, timeout=0.05) as (run, records, conversation, _):
        last = (await followed(run))[-1][1]
        assert isinstance(last, Failed)
        assert last.error == AnswerTookTooLong.__name__
        message = await stored(records, conversation)
        assert (message.content, message.status) == ("Slow", MessageStatus.INCOMPLETE)


async def test_shutdown_keeps_what_was_written(tmp_path: Path) -> None:
    async with open_database("sqlite:tunedd.db", tmp_path) as database:
        records = SqlConversationRecords(database)
        conversation = await records.add(title="New", document_ids=None)
        async with anyio.create_task_group() as tasks:
            responder = Scripted(Token(text="Half"), asyncio.Event())
            runs = Runs(responder=responder, records=records, tasks=tasks, timeout=60)
            message = await records.open_turn(conversation.id, "What?", None)
            run = runs.start(conversation.id, message, Turn(question="What?"))
            async with aclosing(run.follow()) as events:
                async for _, event in events:
                    if isinstance(event, Token):
                        break
            tasks.cancel_scope.cancel()
        kept = await stored(records, conversation.id)
        assert (kept.content, kept.status) == ("Half", MessageStatus.INCOMPLETE)


async def test_ending_a_conversation_ends_its_answer(tmp_path: Path) -> None:
    script = (Token(text="Half"), asyncio.Event())
    async with answering(tmp_path, *script) as (run, records, conversation, runs):
        await runs.end(conversation)
        events = await followed(run)
        assert isinstance(events[-1][1], Done)
        assert (await stored(records, conversation)).status is MessageStatus.INCOMPLETE


class Unsaving:
    """Records whose disk is full, or which break in a way nobody thought of."""

    def __init__(self, records: SqlConversationRecords, error: Exception) -> None:
        self._records = records
        self._error = error
        self.full = True

    async def save(self, message: Message) -> None:
        if self.full:
            raise self._error
        await self._records.save(message)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)


@pytest.mark.parametrize("error", [DiskFull(), ValueError("secret")])
async def test_an_answer_that_cannot_be_stored_ends_with_an_error_and_frees_its_conversation(
    tmp_path: Path, error: Exception
) -> None:
    async with open_database("sqlite:tunedd.db", tmp_path) as database, anyio.create_task_group() as tasks:
        records = SqlConversationRecords(database)
        unsaving: Any = Unsaving(records, error)
        responder = Scripted(Token(text="Yes."))
        runs = Runs(responder=responder, records=unsaving, tasks=tasks, timeout=60)
        conversation = await records.add(title="New", document_ids=None)
        for _ in range(2):
            with runs.reserved(conversation.id):
                message = await records.open_turn(conversation.id, "What?", None)
                run = runs.start(conversation.id, message, Turn(question="What?"))
            events = [event for _, event in await followed(run)]
            assert sum(isinstance(event, Done | Failed) for event in events) == 1
            last = events[-1]
            assert isinstance(last, Failed)
            assert last.retryable == isinstance(error, DiskFull)
            assert "secret" not in last.message
            while runs.running(conversation.id):
                await anyio.lowlevel.checkpoint()
        # The service goes on trying to store it.
        tasks.cancel_scope.cancel()


async def test_an_answer_is_shown_whole_and_stored_once_there_is_room_again(tmp_path: Path) -> None:
    async with open_database("sqlite:tunedd.db", tmp_path) as database, anyio.create_task_group() as tasks:
        records = SqlConversationRecords(database)
        unsaving: Any = Unsaving(records, DiskFull())
        runs = Runs(
            responder=Scripted(Token(text="Yes.")),
            records=unsaving,
            tasks=tasks,
            timeout=60,
            save_again_after=0.01,
        )
        conversation = await records.add(title="New", document_ids=None)
        with runs.reserved(conversation.id):
            message = await records.open_turn(conversation.id, "What?", None)
            run = runs.start(conversation.id, message, Turn(question="What?"))
        await followed(run)
        (_, stored) = await records.messages(conversation.id)
        assert (stored.content, stored.status) == ("", MessageStatus.RUNNING)
        assert (runs.newest(stored).content, runs.newest(stored).status) == ("Yes.", MessageStatus.COMPLETE)
        unsaving.full = False
        with anyio.fail_after(10):
            while (await records.messages(conversation.id))[1].status is MessageStatus.RUNNING:
                await anyio.sleep(0.01)
        (_, stored) = await records.messages(conversation.id)
        assert (stored.content, stored.status) == ("Yes.", MessageStatus.COMPLETE)


async def test_a_conversation_has_one_answer_at_a_time(tmp_path: Path) -> None:
    async with answering(tmp_path, asyncio.Event()) as (_, _, conversation, runs):
        with pytest.raises(AnswerRunning), runs.reserved(conversation):
            pass
        await runs.end(conversation)
        with runs.reserved(conversation):
            assert runs.running(conversation)
        assert not runs.running(conversation)


async def test_usage_of_several_rounds_adds_up(tmp_path: Path) -> None:
    async with answering(tmp_path, Used(usage=USAGE), Token(text="Yes."), Used(usage=USAGE)) as (run, *_):
        assert (await run.finished()).usage == Usage(prompt_tokens=10, completion_tokens=4)


async def test_answers_under_way_and_their_followers_are_counted(tmp_path: Path) -> None:
    held = asyncio.Event()
    async with answering(tmp_path, Token(text="Yes"), held) as (run, _, _, runs):
        stream = EventStream(run).body_iterator
        await anext(aiter(stream))
        assert (runs.under_way, runs.followers) == (1, 1)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run.finished)
            await anyio.lowlevel.checkpoint()
            assert runs.followers == 2
            held.set()
        async for _ in stream:
            pass
        assert run.followers == 0
        with anyio.fail_after(10):
            while runs.under_way:
                await anyio.lowlevel.checkpoint()
