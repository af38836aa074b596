"""All runs of this process: started, carried out, stored, ended."""

import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager

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
    ShuttingDown,
    Token,
    Turn,
)
from tunedd_api.chat.ports import ConversationRecords, Responder
from tunedd_api.chat.run import Run
from tunedd_api.errors import INTERNAL, TuneddError, Unavailable
from tunedd_api.measures import UNMEASURED, AnswerStage, Measures

log = structlog.get_logger(__name__)

SAVE_EVERY = 1.0
"""Seconds between two savings of a growing answer: what a killed process loses at most."""

SAVE_AGAIN_AFTER = 5.0
"""Seconds before the end of an answer that could not be stored is tried again."""


class Runs:
    """All answers being made in this process."""

    def __init__(
        self,
        *,
        responder: Responder,
        records: ConversationRecords,
        tasks: TaskGroup,
        timeout: float,
        measures: Measures = UNMEASURED,
        save_again_after: float = SAVE_AGAIN_AFTER,
    ) -> None:
        self._responder = responder
        self._records = records
        self._tasks = tasks
        self._timeout = timeout
        self._measures = measures
        self._save_again_after = save_again_after
        self._running: dict[str, Run | None] = {}
        self._unsaved: dict[str, Message] = {}
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

    def newest(self, stored: Message) -> Message:
        """A message as far as it is: as stored, or newer, while it grows or could not be stored yet."""
        growing = (run.message for run in self._running.values() if run and run.message_id == stored.id)
        return next(growing, self._unsaved.get(stored.id, stored))

    def running(self, conversation_id: str) -> bool:
        return conversation_id in self._running

    @property
    def under_way(self) -> int:
        """Answers that are being made."""
        return len(self._running)

    @property
    def followers(self) -> int:
        """Connections that wait for more of an answer."""
        return sum(run.followers for run in self._running.values() if run)

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
        with self._measures.answer(run.message_id):
            try:
                with run.scope:
                    await self._respond(run, turn, started)
            finally:
                # At shutdown this task is being cancelled, and what was written is still worth keeping.
                with anyio.CancelScope(shield=True):
                    await self._close(run)
                    self._running.pop(conversation_id, None)
                    self._tell(run, time.monotonic() - started)

    def _tell(self, run: Run, seconds: float) -> None:
        message = run.message
        log.info("answer.ended", message=message.id, status=message.status, seconds=round(seconds, 3))
        error = type(run.failure).__name__ if run.failure else ""
        self._measures.answer_ended(message.status, error, seconds)
        if message.usage is not None:
            self._measures.tokens(message.usage.prompt_tokens, message.usage.completion_tokens)

    async def _respond(self, run: Run, turn: Turn, started: float) -> None:
        saved, silent = started, True
        try:
            with anyio.fail_after(self._timeout):
                async with aclosing(self._responder.respond(turn)) as parts:
                    async for part in parts:
                        run.take(part)
                        if silent and isinstance(part, Token):
                            self._measures.first_token(time.monotonic() - started)
                            silent = False
                        if time.monotonic() - saved >= SAVE_EVERY:
                            await self._save_meanwhile(run)
                            saved = time.monotonic()
            run.change(status=MessageStatus.COMPLETE)
        except TimeoutError:
            run.failure = AnswerTookTooLong()
            run.change(status=MessageStatus.INCOMPLETE, error=run.failure.message)
        except TuneddError as error:
            run.failure = error
            run.change(status=MessageStatus.FAILED, error=error.message)
        except Exception:
            # One answer's bug must not end the task group, and with it every other answer.
            log.exception("answer.crashed", message=run.message.id)
            run.failure = TuneddError(INTERNAL)
            run.change(status=MessageStatus.FAILED, error=run.failure.message)

    async def _save_meanwhile(self, run: Run) -> None:
        try:
            await self._records.save(run.message)
        except Unavailable as error:
            # The next saving may go well; the answer need not end for this one.
            log.warning("answer.not_saved_yet", message=run.message.id, reason=error.message)

    async def _save_later(self, message: Message) -> None:
        while True:
            await anyio.sleep(self._save_again_after)
            try:
                await self._records.save(message)
            except TuneddError:
                continue
            del self._unsaved[message.id]
            return

    async def _close(self, run: Run) -> None:
        if run.message.status is MessageStatus.RUNNING:
            run.change(status=MessageStatus.INCOMPLETE, error="The answer was stopped.")
        try:
            with self._measures.stage(AnswerStage.STORING):
                await self._records.save(run.message)
        except TuneddError as error:
            log.warning("answer.not_saved", message=run.message.id, reason=error.message)
            run.failure = run.failure or error
            self._unsaved[run.message.id] = run.message
            self._tasks.start_soon(self._save_later, run.message)
        except Exception:
            # Whatever it is, the followers are owed their last event.
            log.exception("answer.not_saved", message=run.message.id)
            run.failure = run.failure or TuneddError(INTERNAL)
        if run.failure is None:
            run.tell(Done(message=run.message))
        else:
            retryable = isinstance(run.failure, Unavailable)
            failure = run.failure
            run.tell(Failed(error=type(failure).__name__, message=failure.message, retryable=retryable))
