"""Answers a turn from the library: finds passages, then lets the chat model answer from them."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Protocol

from haystack import Pipeline
from haystack.core.errors import PipelineRuntimeError
from haystack.dataclasses import ChatMessage, ToolCall

from tunedd_api.backends.token_estimate import estimate_tokens
from tunedd_api.chat.model import (
    Exchange,
    MessageTooLong,
    Part,
    Queued,
    Source,
    SourcesFound,
    Token,
    ToolUsed,
    Turn,
    Usage,
    Used,
)
from tunedd_api.chat.pace import Pace
from tunedd_api.chat.prompt import Prompt
from tunedd_api.chat.tools import PaperTools
from tunedd_api.chat.writing import Writing
from tunedd_api.errors import ModelUnavailable
from tunedd_api.library.model import Hit
from tunedd_api.library.service import Library
from tunedd_api.measures import UNMEASURED, AnswerStage, Measures

TOOL_ROUNDS = 3
"""Times the model may call tools before it has to answer."""
INSTRUCTIONS = 200
"""Tokens that the system message takes, and more."""
FRAME = 16
"""Tokens around each message and passage: roles, number, page."""
INVALID_CALLS = 1
"""Invalid calls that are reported back to the model; after one more it answers without tools."""


class ChatModel(Protocol):
    """A chat model as a Haystack pipeline with one component, `llm`."""

    @property
    def name(self) -> str: ...
    @property
    def calls_tools(self) -> bool: ...
    @property
    def places(self) -> int:
        """Answers it writes at the same time."""
        ...

    @property
    def prompt_tokens(self) -> int:
        """Longest prompt it reads whole."""
        ...

    def pipeline(self) -> Pipeline:
        """Raises ModelUnavailable while the model is not up."""
        ...

    def describe(self, error: BaseException) -> ModelUnavailable:
        """What a failed call of the pipeline means."""
        ...


class RagResponder:
    """Retrieval-augmented answering."""

    def __init__(
        self, *, library: Library, model: ChatModel, sources: int, measures: Measures = UNMEASURED
    ) -> None:
        self._library = library
        self._model = model
        self._sources = sources
        self._measures = measures
        self._tools = PaperTools(library)
        self._places = asyncio.Semaphore(model.places)
        self.waiting = 0
        """Answers that wait for a place at the model."""
        self._prompt = Prompt()

    async def respond(self, turn: Turn) -> AsyncGenerator[Part]:
        with self._measures.stage(AnswerStage.SEARCH):
            sources = await self._find(turn)
        yield SourcesFound(sources=sources)
        self._model.pipeline()  # Raises now, rather than after a wait, if there is no model.
        if self._places.locked():
            yield Queued(position=self.waiting + 1)
        self.waiting += 1
        try:
            with self._measures.stage(AnswerStage.WAITING):
                await self._places.acquire()
        finally:
            self.waiting -= 1
        pace = Pace(self._measures)
        try:
            async with aclosing(self._write(self._model.pipeline(), turn, sources)) as parts:
                async for part in parts:
                    pace.take(part)
                    yield part
        finally:
            self._places.release()
            pace.end()

    async def _find(self, turn: Turn) -> tuple[Source, ...]:
        history = [text for past in turn.history for text in (past.question, past.answer)]
        hits = await self._library.search(
            turn.question, history=history, document_ids=turn.document_ids, limit=self._sources
        )
        return tuple(_source(number, hit) for number, hit in enumerate(hits, start=1))

    async def _write(
        self, pipeline: Pipeline, turn: Turn, sources: tuple[Source, ...]
    ) -> AsyncGenerator[Part]:
        messages = self._messages(turn, sources)
        invalid = 0
        for round in range(TOOL_ROUNDS + 1):
            offered = self._model.calls_tools and round < TOOL_ROUNDS and invalid <= INVALID_CALLS
            reply: ChatMessage | None = None
            async with aclosing(self._call(pipeline, messages, offered, turn)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, ChatMessage):
                        reply = piece
                    else:
                        yield piece
            if reply is None or not (calls := reply.tool_calls if offered else []):
                return
            messages.append(reply)
            for call in calls:
                use, valid = await self._tools.call(call.tool_name, call.arguments, turn.document_ids)
                invalid += not valid
                messages.append(_result(use.result, call, failed=not valid))
                yield ToolUsed(tool=use)

    async def _call(
        self, pipeline: Pipeline, messages: list[ChatMessage], offered: bool, turn: Turn
    ) -> AsyncGenerator[Token | Used | ChatMessage]:
        data: dict[str, Any] = {"messages": messages}
        if offered:
            data["tools"] = self._tools.offered(turn.document_ids)
        async with aclosing(Writing(pipeline, data)) as writing, aclosing(writing.texts()) as texts:
            try:
                async for text in texts:
                    # Half of a surrogate pair is no text: it can be neither stored nor sent.
                    yield Token(text=text.encode(errors="replace").decode())
                reply = writing.reply()
            except PipelineRuntimeError as error:
                raise self._model.describe(error.__cause__ or error) from error
        if not reply.text and not reply.tool_calls:
            raise ModelUnavailable("The language model gave an empty answer. Ask again.")
        if usage := reply.meta.get("usage"):
            yield Used(
                usage=Usage(
                    prompt_tokens=usage["prompt_tokens"], completion_tokens=usage["completion_tokens"]
                )
            )
        yield reply

    def _messages(self, turn: Turn, sources: tuple[Source, ...]) -> list[ChatMessage]:
        # Cut here, by whole exchanges, or the model server cuts silently, the system message first.
        sources, room = self._fitting(turn.question, sources)
        history: list[Exchange] = []
        for exchange in reversed(turn.history):
            room -= _tokens(exchange.question, exchange.sources) + _tokens(exchange.answer)
            if room < 0:
                break
            history.insert(0, exchange)
        return self._prompt.messages(history, sources, turn.question)

    def _fitting(self, question: str, sources: tuple[Source, ...]) -> tuple[tuple[Source, ...], int]:
        """The best sources that fit beside the question, and the room that is left. Raises MessageTooLong."""
        room = self._model.prompt_tokens - INSTRUCTIONS - _tokens(question)
        if room < 0:
            raise MessageTooLong(
                f"The question is too long: the chat model reads {self._model.prompt_tokens} tokens. "
                "Ask a shorter one."
            )
        for place, source in enumerate(sources):
            tokens = _tokens(source.title + source.text)
            if tokens > room:
                return sources[:place], room
            room -= tokens
        return sources, room


def _source(number: int, hit: Hit) -> Source:
    return Source(
        number=number,
        document_id=hit.document_id,
        title=hit.title,
        page=hit.page,
        text=hit.text,
        score=hit.score,
        section=hit.section,
    )


def _result(result: object, call: ToolCall, *, failed: bool) -> ChatMessage:
    return ChatMessage.from_tool(json.dumps(result), origin=call, error=failed)


def _tokens(text: str, sources: Sequence[Source] = ()) -> int:
    """More than a message takes."""
    texts = [text, *(f"{source.title}{source.text}" for source in sources)]
    return sum(estimate_tokens(one) + FRAME for one in texts)
