"""What the chat's service needs from the layers around it."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from tunedd_api.chat.model import Conversation, Message, Part, Turn


class Responder(Protocol):
    """Answers a turn. Retrieval-augmented answering is one; others may stand around it."""

    def respond(self, turn: Turn) -> AsyncGenerator[Part]: ...


class ConversationRecords(Protocol):
    """Conversations and their messages, kept for good."""

    async def add(self, *, title: str, document_ids: Sequence[str] | None) -> Conversation: ...
    async def get(self, conversation_id: str) -> Conversation | None: ...
    async def rename(self, conversation_id: str, title: str) -> bool: ...
    async def remove(self, conversation_id: str) -> bool: ...
    async def messages(self, conversation_id: str) -> list[Message]: ...
    async def open_turn(self, conversation_id: str, question: str, title: str | None) -> Message:
        """Appends the question and the row of its answer (`running`); sets the title where one is given."""
        ...

    async def save(self, message: Message) -> None:
        """Brings an answer's row up to date."""
        ...

    async def end_interrupted(self) -> int:
        """Marks answers that a stopped process left running as incomplete."""
        ...

    async def list(self, *, limit: int, before: str | None) -> list[Conversation]: ...
