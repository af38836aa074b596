"""All runs of this process: started, carried out, stored, ended."""

import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace

import anyio
import structlog
from anyio.abc import TaskGroup

from tunedd_api.chat.model import (
    AnswerRunning,
    AnswerTookTooLong,
    Done,
    Failed,
    Message,
    MessageStatus,
    Part,
    ShuttingDown,
    SourcesFound,
    Token,
    ToolUsed,
    Turn,
    Used,
)
from tunedd_api.chat.ports import ConversationRecords, Responder
from tunedd_api.chat.run import Run
from tunedd_api.errors import INTERNAL, TuneddError, Unavailable

log = structlog.get_logger(__name__)

SAVE_EVERY = 1.0
"""Seconds between two savings of a growing answer: what a killed process loses at most."""


class Runs:
    """All answers being made in this process."""

    def __init__(
        self, *, responder: Responder, records: ConversationRecords, tasks: TaskGroup, timeout: float
    ) -> None:
        self._responder = responder
        self._records = records
        self._tasks = tasks
        self._timeout = timeout
        self._running: dict[str, Run | None] = {}
        self._closed = False

    @contextmanager
    def reserved(self, conversation_id: str) -> Iterator[None]:
        """For the one that opens a turn and starts its run. Raises AnswerRunning for everybody else."""
        if self._closed:
            raise ShuttingDown
        if self.running(conversation_id):
            raise AnswerRunning
        self._running[conversation_id] = None
        try:
            yield
        finally:
            if self._running[conversation_id] is None:
                del self._running[conversation_id]

    def start(self, conversation_id: str, message: Message, turn: Turn) -> Run:
        run = self._running[conversation_id] = Run(conversation_id, message)
        self._tasks.start_soon(self._carry_out, conversation_id, run, turn)
        return run

    def running(self, conversation_id: str) -> bool:
        return conversation_id in self._running

    async def end(self, conversation_id: str) -> None:
        """Ends a conversation's answer, if one is being made."""
        if run := self._running.get(conversation_id):
            run.scope.cancel()
            async with aclosing(run.follow()) as events:
                async for _ in events:
                    pass

    async def close(self) -> None:
        """Ends all answers, so that their followers hear of it, and starts no more."""
        self._closed = True
        for conversation_id in list(self._running):
            await self.end(conversation_id)

    async def _carry_out(self, conversation_id: str, run: Run, turn: Turn) -> None:
        started = time.monotonic()
        try:
            with run.scope:
                await self._respond(run, turn)
        finally:
            # At shutdown this task is being cancelled, and what was written is still worth keeping.
            with anyio.CancelScope(shield=True):
                await self._close(run)
                self._running.pop(conversation_id, None)
        seconds = round(time.monotonic() - started, 3)
        log.info("answer.ended", message=run.message.id, status=run.message.status, seconds=seconds)

    async def _respond(self, run: Run, turn: Turn) -> None:
        saved = time.monotonic()
        try:
            with anyio.fail_after(self._timeout):
                async with aclosing(self._responder.respond(turn)) as parts:
                    async for part in parts:
                        run.message = _grown(run.message, part)
                        if not isinstance(part, Used):
                            await run.add(part)
                        if time.monotonic() - saved >= SAVE_EVERY:
                            await self._records.save(run.message)
                            saved = time.monotonic()
            run.message = replace(run.message, status=MessageStatus.COMPLETE)
        except TimeoutError:
            run.failure = AnswerTookTooLong()
            run.message = replace(run.message, status=MessageStatus.INCOMPLETE, error=run.failure.message)
        except TuneddError as error:
            run.failure = error
            run.message = replace(run.message, status=MessageStatus.FAILED, error=error.message)
        except Exception:
            # One answer's bug must not end the task group, and with it every other answer.
            log.exception("answer.crashed", message=run.message.id)
            run.failure = TuneddError(INTERNAL)
            run.message = replace(run.message, status=MessageStatus.FAILED, error=run.failure.message)

    async def _close(self, run: Run) -> None:
        if run.message.status is MessageStatus.RUNNING:
            run.message = replace(
                run.message, status=MessageStatus.INCOMPLETE, error="The answer was stopped."
            )
        try:
            await self._records.save(run.message)
        except Exception as error:
            # Whatever it is, the followers are owed their last event.
            log.exception("answer.not_saved", message=run.message.id)
            run.failure = run.failure or (error if isinstance(error, TuneddError) else TuneddError(INTERNAL))
        if run.failure is None:
            await run.add(Done(message=run.message))
        else:
            retryable = isinstance(run.failure, Unavailable)
            failure = run.failure
            await run.add(Failed(error=type(failure).__name__, message=failure.message, retryable=retryable))


def _grown(message: Message, part: Part) -> Message:
    match part:
        case Token(text=text):
            return replace(message, content=message.content + text)
        case SourcesFound(sources=sources):
            return replace(message, sources=sources)
        case ToolUsed(tool=tool):
            return replace(message, tools=(*message.tools, tool))
        case Used(usage=usage):
            return replace(message, usage=usage if message.usage is None else message.usage + usage)
        case _:
            return message
