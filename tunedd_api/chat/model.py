"""The nouns of a conversation, and the events of an answer in flight."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from tunedd_api.errors import Conflict, NotFound, Rejected, Unavailable


class Role(StrEnum):
    USER = "user"
    ASSISTANT = "assistant"


class MessageStatus(StrEnum):
    """How far a message is: only answers are ever anything but complete."""

    RUNNING = "running"
    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    """Ended early: by its deadline, at shutdown, or with the process."""
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Conversation:
    id: str
    title: str
    document_ids: tuple[str, ...] | None
    """The documents it is limited to; None means all. A deleted document leaves the choice."""
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Source:
    """A passage given to the model with a question."""

    number: int
    """From 1 within its answer."""
    document_id: str
    title: str
    page: int
    text: str
    score: float
    section: str | None = None


@dataclass(frozen=True, kw_only=True)
class ToolUse:
    """A call of a tool by the model, and what came of it."""

    name: str
    arguments: dict[str, Any]
    result: Any = None


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens of the chat model."""

    prompt_tokens: int
    completion_tokens: int

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
        )


@dataclass(frozen=True, kw_only=True)
class Message:
    id: str
    role: Role
    content: str
    created_at: datetime
    status: MessageStatus = MessageStatus.COMPLETE
    sources: tuple[Source, ...] = ()
    tools: tuple[ToolUse, ...] = ()
    usage: Usage | None = None
    error: str | None = None
    """Why the status is `failed` or `incomplete`."""


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """An earlier question of the conversation with its answer and the sources it was given."""

    question: str
    sources: tuple[Source, ...]
    answer: str


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What a responder answers: a question in the light of its history, within a scope."""

    question: str
    history: tuple[Exchange, ...] = ()
    document_ids: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class RunStarted:
    conversation_id: str
    message_id: str


@dataclass(frozen=True, kw_only=True)
class SourcesFound:
    sources: tuple[Source, ...]


@dataclass(frozen=True, kw_only=True)
class Queued:
    position: int
    """Answers that are written before this one."""


@dataclass(frozen=True, kw_only=True)
class Token:
    text: str


@dataclass(frozen=True, kw_only=True)
class ToolUsed:
    tool: ToolUse


@dataclass(frozen=True, kw_only=True)
class Used:
    """What the answer cost; kept with the message, not sent on its own."""

    usage: Usage


@dataclass(frozen=True, kw_only=True)
class Done:
    message: Message


@dataclass(frozen=True, kw_only=True)
class Failed:
    error: str
    """The class name of the error."""
    message: str
    retryable: bool


Part = SourcesFound | Queued | Token | ToolUsed | Used
"""What a responder yields."""
Event = RunStarted | SourcesFound | Queued | Token | ToolUsed | Done | Failed
"""What a follower of a run receives; `Done` or `Failed` comes last, exactly once."""


class ConversationNotFound(NotFound):
    """There is no such conversation."""


class EmptyMessage(Rejected):
    """The message is empty. Write a question."""


class MessageTooLong(Rejected):
    """The message is too long."""


class EmptyTitle(Rejected):
    """The title is empty."""


class AnswerRunning(Conflict):
    """This conversation is still being answered. Wait for the answer, then ask again."""


class NoDocumentsLeft(Conflict):
    """All documents of this conversation were deleted. Start a new one."""


class NotText(Rejected):
    """This is not valid Unicode text: it holds half of a surrogate pair."""


class ShuttingDown(Unavailable):
    """The service is shutting down. Ask again when it is back."""


class AnswerTookTooLong(Unavailable):
    """The answer took longer than allowed and was ended."""
