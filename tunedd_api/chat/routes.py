"""/conversations, their messages as JSON, and answers as server-sent events, which `stream.py` lists."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from tunedd_api.chat.model import Conversation, Message
from tunedd_api.chat.run import Run
from tunedd_api.chat.service import Chat
from tunedd_api.chat.stream import EventStream

router = APIRouter(prefix="/conversations", tags=["conversations"])


def _chat(request: Request) -> Chat:
    chat: Chat = request.app.state.services.chat
    return chat


ChatDep = Annotated[Chat, Depends(_chat)]


class NewConversation(BaseModel):
    document_ids: list[str] | None = None
    """The documents to answer from; left out, all of them."""
    title: str | None = None


class Renaming(BaseModel):
    title: str


class NewMessage(BaseModel):
    content: str


@router.post("", status_code=201)
async def start(chat: ChatDep, response: Response, new: NewConversation | None = None) -> Conversation:
    new = new or NewConversation()
    conversation = await chat.start(new.document_ids, new.title)
    response.headers["Location"] = f"/conversations/{conversation.id}"
    return conversation


@router.get("")
async def list_conversations(
    chat: ChatDep, limit: Annotated[int, Query(ge=1, le=1000)] = 100, before: str | None = None
) -> list[Conversation]:
    return await chat.list(limit=limit, before=before)


@router.get("/{conversation_id}")
async def get(conversation_id: str, chat: ChatDep) -> Conversation:
    return await chat.get(conversation_id)


@router.patch("/{conversation_id}")
async def rename(conversation_id: str, renaming: Renaming, chat: ChatDep) -> Conversation:
    return await chat.rename(conversation_id, renaming.title)


@router.delete("/{conversation_id}", status_code=204)
async def remove(conversation_id: str, chat: ChatDep) -> None:
    await chat.remove(conversation_id)


@router.get("/{conversation_id}/messages")
async def messages(conversation_id: str, chat: ChatDep) -> list[Message]:
    """The whole history, oldest first."""
    return await chat.messages(conversation_id)


async def _asked(conversation_id: str, new: NewMessage, chat: ChatDep) -> Run:
    # A dependency, so that what is wrong with the question is said before any byte of a stream.
    return await chat.ask(conversation_id, new.content)


RunDep = Annotated[Run, Depends(_asked)]


@router.post("/{conversation_id}/messages")
async def ask(run: RunDep) -> Message:
    """Asks, and waits for the whole answer."""
    return await run.finished()


@router.post("/{conversation_id}/messages/stream", response_class=EventStream)
async def stream(run: RunDep) -> EventStream:
    """
    Asks, and sends the answer as it is written, as server-sent events with JSON data.

    In order: `run`, `sources`, `queued` (while other answers come first), `token`…, `tool`, and exactly one
    `done` or `error` at the end. A client that leaves does not end its answer.
    """
    return EventStream(run)
