"""
The indexing of one document over HTTP: followed as server-sent events, cancelled, tried again.

Events of `GET /documents/{id}/events`, in order, each with an increasing `id` and JSON data:

    progress {document, ahead}       now and at every change; `ahead`: documents indexed before this one
    done     {document}              it is ready or has failed, as its status says
    error    {error, message}        instead of `done`: it was removed, or its state cannot be read

A comment is sent every 15 s while nothing happens.
"""

from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import count
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import TypeAdapter

from tunedd_api.errors import INTERNAL, TuneddError
from tunedd_api.library.model import Document, Progress
from tunedd_api.library.routes import LibraryDep

PROGRESS = TypeAdapter(Progress)
router = APIRouter(prefix="/documents/{document_id}", tags=["documents"])


async def _document(document_id: str, library: LibraryDep) -> Document:
    # A dependency, so that a 404 comes before the stream begins.
    return await library.get(document_id)


@router.get("/events", response_class=EventSourceResponse)
async def follow(
    document: Annotated[Document, Depends(_document)], library: LibraryDep
) -> AsyncIterator[ServerSentEvent]:
    """How far the indexing of a document is, as it gets on."""
    numbers = count(1)
    last: Progress | None = None
    try:
        async with aclosing(library.follow(document.id)) as steps:
            async for last in steps:
                yield _event(next(numbers), "progress", PROGRESS.dump_python(last, mode="json"))
    except TuneddError as error:
        yield _event(next(numbers), "error", {"error": type(error).__name__, "message": error.message})
    except Exception:
        yield _event(next(numbers), "error", {"error": "InternalError", "message": INTERNAL})
        raise
    else:
        assert last is not None
        ended = PROGRESS.dump_python(last, mode="json")["document"]
        yield _event(next(numbers), "done", {"document": ended})


@router.post("/retry", status_code=202)
async def retry(document_id: str, library: LibraryDep) -> Document:
    """Tries a document again whose indexing has failed."""
    return await library.retry(document_id)


@router.post("/cancel", status_code=202)
async def cancel(document_id: str, library: LibraryDep) -> Document:
    """Breaks the indexing of a document off; it counts as failed and can be tried again."""
    return await library.cancel(document_id)


def _event(number: int, name: str, data: Any) -> ServerSentEvent:
    return ServerSentEvent(data=data, event=name, id=str(number))
