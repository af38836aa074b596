"""Conversations: start them, ask, look back."""

from collections.abc import Sequence

from tunedd_api.chat.model import (
    Conversation,
    ConversationNotFound,
    EmptyMessage,
    EmptyTitle,
    Exchange,
    Message,
    MessageTooLong,
    NoDocumentsLeft,
    NotText,
    Role,
    Turn,
)
from tunedd_api.chat.ports import ConversationRecords
from tunedd_api.chat.run import Run
from tunedd_api.chat.runs import Runs
from tunedd_api.library.service import Library
from tunedd_api.measures import UNMEASURED, AnswerStage, Measures

UNTITLED = "New conversation"
TITLE_LENGTH = 80


class Chat:
    """All conversations. Each has its own history, and may be limited to some documents."""

    def __init__(
        self,
        *,
        records: ConversationRecords,
        library: Library,
        runs: Runs,
        max_question_chars: int,
        measures: Measures = UNMEASURED,
    ) -> None:
        self._records = records
        self._library = library
        self._runs = runs
        self._max_question_chars = max_question_chars
        self._measures = measures

    async def start(
        self, document_ids: Sequence[str] | None = None, title: str | None = None
    ) -> Conversation:
        """Raises EmptyScope, UnknownDocuments."""
        await self._library.require(document_ids)
        return await self._records.add(title=_clean(title or "") or UNTITLED, document_ids=document_ids)

    async def get(self, conversation_id: str) -> Conversation:
        conversation = await self._records.get(conversation_id)
        if conversation is None:
            raise ConversationNotFound(f"There is no conversation {conversation_id!r}.")
        return conversation

    async def rename(self, conversation_id: str, title: str) -> Conversation:
        if not (title := _clean(title)):
            raise EmptyTitle
        await self._records.rename(conversation_id, title)
        return await self.get(conversation_id)

    async def close(self) -> None:
        """Ends all answers that are being made, kept as incomplete, and refuses further questions."""
        await self._runs.close()

    async def remove(self, conversation_id: str) -> None:
        await self.get(conversation_id)
        await self._runs.end(conversation_id)
        await self._records.remove(conversation_id)

    async def messages(self, conversation_id: str) -> list[Message]:
        """The whole history, oldest first."""
        await self.get(conversation_id)
        return [self._runs.newest(one) for one in await self._records.messages(conversation_id)]

    async def ask(self, conversation_id: str, content: str) -> Run:
        """
        Stores the question and starts its answer, which goes on whether or not anybody follows it.

        Raises ConversationNotFound, EmptyMessage, MessageTooLong, AnswerRunning, NoDocumentsLeft,
        NothingReady.
        """
        conversation = await self.get(conversation_id)
        question = _text(content).strip()
        if not any(letter.isprintable() and not letter.isspace() for letter in question):
            raise EmptyMessage
        if len(question) > self._max_question_chars:
            raise MessageTooLong(
                f"The message has {len(question)} characters; at most {self._max_question_chars} are read."
            )
        if conversation.document_ids == ():
            raise NoDocumentsLeft
        await self._library.require_ready(conversation.document_ids)
        title = _clean(question) if conversation.title == UNTITLED else None
        with self._runs.reserved(conversation_id):
            with self._measures.stage(AnswerStage.OPENING):
                past = _exchanges(await self._records.messages(conversation_id))
                answer = await self._records.open_turn(conversation_id, question, title)
            turn = Turn(question=question, history=past, document_ids=conversation.document_ids)
            return self._runs.start(conversation_id, answer, turn)

    async def list(self, *, limit: int = 100, before: str | None = None) -> list[Conversation]:
        """Conversations, newest first; `before` is the id of the last one seen."""
        if before is not None:
            await self.get(before)
        return await self._records.list(limit=limit, before=before)


def _exchanges(messages: Sequence[Message]) -> tuple[Exchange, ...]:
    """Questions with their answers; a question whose answer came to nothing says nothing to the model."""
    pairs = zip(messages, messages[1:], strict=False)
    return tuple(
        Exchange(question=asked.content, sources=answer.sources, answer=answer.content)
        for asked, answer in pairs
        if asked.role is Role.USER and answer.role is Role.ASSISTANT and answer.content
    )


def _clean(title: str) -> str:
    line = " ".join(_text(title).split())
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1].rstrip() + "…"


def _text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NotText from error
    return text
