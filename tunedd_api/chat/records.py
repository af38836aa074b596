"""Conversations and messages in SQL."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from tunedd_api.backends.database import Database, Row
from tunedd_api.chat.model import (
    AnswerRunning,
    Conversation,
    ConversationNotFound,
    Message,
    MessageStatus,
    Role,
    Source,
    ToolUse,
    Usage,
)

STOPPED = "The service stopped while it was writing this answer."


class SqlConversationRecords:
    """Fulfils `ConversationRecords`."""

    def __init__(self, database: Database, *, process: str = "") -> None:
        """`process` is the id of this one, where several write answers."""
        self._database = database
        self._process = process
        self._sql = database.queries(__package__)

    async def add(self, *, title: str, document_ids: Sequence[str] | None) -> Conversation:
        conversation = Conversation(
            id=_new_id(),
            title=title,
            document_ids=None if document_ids is None else tuple(sorted(set(document_ids))),
            created_at=datetime.now(UTC),
        )
        scope = [
            {"conversation_id": conversation.id, "document_id": id} for id in conversation.document_ids or ()
        ]
        async with self._database.write() as connection:
            await self._sql.add_conversation(
                connection,
                id=conversation.id,
                title=title,
                scoped=document_ids is not None,
                created_at=_text(conversation.created_at),
            )
            await self._sql.add_scope(connection, scope)
        return conversation

    async def get(self, conversation_id: str) -> Conversation | None:
        async with self._database.read() as connection:
            row = await self._sql.get_conversation(connection, id=conversation_id)
        return _conversation(row) if row else None

    async def rename(self, conversation_id: str, title: str) -> bool:
        async with self._database.write() as connection:
            renamed: int = await self._sql.rename_conversation(connection, id=conversation_id, title=title)
        return renamed > 0

    async def replace_document(self, old: str, new: str) -> None:
        """Conversations that were limited to the old document may use the new one too."""
        async with self._database.write() as connection:
            await self._sql.replace_in_scopes(connection, old=old, new=new)

    async def remove(self, conversation_id: str) -> bool:
        async with self._database.write() as connection:
            removed: int = await self._sql.delete_conversation(connection, id=conversation_id)
        return removed > 0

    async def messages(self, conversation_id: str) -> list[Message]:
        async with self._database.read() as connection:
            rows = self._sql.list_messages(connection, conversation_id=conversation_id)
            return [_message(row) async for row in rows]

    async def open_turn(self, conversation_id: str, question: str, title: str | None) -> Message:
        """
        An answer that was left running, unsaved at its end, is closed.

        Raises ConversationNotFound, and AnswerRunning where another process is writing an answer.
        """
        now = datetime.now(UTC)
        answer = Message(
            id=_new_id(), role=Role.ASSISTANT, content="", created_at=now, status=MessageStatus.RUNNING
        )
        async with self._database.write() as connection:
            if not await self._sql.conversation_exists(connection, id=conversation_id):
                raise ConversationNotFound
            if await self._sql.is_answered_elsewhere(
                connection, conversation_id=conversation_id, process=self._process
            ):
                raise AnswerRunning
            await self._sql.end_unfinished(
                connection,
                conversation_id=conversation_id,
                error="The end of this answer could not be stored.",
            )
            position: int = await self._sql.next_position(connection, conversation_id=conversation_id)
            asked = Message(id=_new_id(), role=Role.USER, content=question, created_at=now)
            for offset, message in enumerate((asked, answer)):
                await self._sql.add_message(
                    connection,
                    id=message.id,
                    conversation_id=conversation_id,
                    position=position + offset,
                    role=message.role,
                    content=message.content,
                    status=message.status,
                    process=self._process,
                    created_at=_text(now),
                )
            if title is not None:
                await self._sql.rename_conversation(connection, id=conversation_id, title=title)
        return answer

    async def save(self, message: Message) -> None:
        async with self._database.write() as connection:
            await self._sql.save_message(
                connection,
                id=message.id,
                content=message.content,
                status=message.status,
                sources=json.dumps([asdict(source) for source in message.sources]),
                tools=json.dumps([asdict(tool) for tool in message.tools]),
                usage=json.dumps(asdict(message.usage)) if message.usage else None,
                error=message.error,
            )

    async def end_interrupted(self) -> int:
        async with self._database.write() as connection:
            count: int = await self._sql.end_interrupted(connection, error=STOPPED)
        return count

    async def end_abandoned(self) -> int:
        """Marks answers as incomplete whose process is gone, where several processes write answers."""
        async with self._database.write() as connection:
            count: int = await self._sql.end_abandoned(connection, error=STOPPED)
        return count

    async def list(self, *, limit: int, before: str | None) -> list[Conversation]:
        async with self._database.read() as connection:
            rows = self._sql.list_conversations(connection, before=before, limit=limit)
            return [_conversation(row) async for row in rows]


def _conversation(row: Row) -> Conversation:
    return Conversation(
        id=row["id"],
        title=row["title"],
        document_ids=tuple(sorted(json.loads(row["document_ids"]))) if row["scoped"] else None,
        created_at=datetime.fromisoformat(row["created_at"]),
    )


def _message(row: Row) -> Message:
    return Message(
        id=row["id"],
        role=Role(row["role"]),
        content=row["content"],
        created_at=datetime.fromisoformat(row["created_at"]),
        status=MessageStatus(row["status"]),
        sources=tuple(Source(**source) for source in json.loads(row["sources"])),
        tools=tuple(ToolUse(**tool) for tool in json.loads(row["tools"])),
        usage=Usage(**json.loads(row["usage"])) if row["usage"] else None,
        error=row["error"],
    )


def _new_id() -> str:
    return secrets.token_hex(8)


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")
