"""/documents and /search."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, File, Query, Request, Response, UploadFile
from fastapi.responses import FileResponse

from tunedd_api.library.model import Document, Hit
from tunedd_api.library.service import Library

router = APIRouter()


def _library(request: Request) -> Library:
    library: Library = request.app.state.services.library
    return library


LibraryDep = Annotated[Library, Depends(_library)]
OneFile = Annotated[list[UploadFile], File(min_length=1, max_length=1)]
A_PDF: dict[int | str, dict[str, Any]] = {200: {"content": {"application/pdf": {}}}}
Limit = Annotated[int, Query(ge=1, le=1000)]


@router.get("/documents", tags=["documents"])
async def list_documents(
    library: LibraryDep, limit: Limit = 100, before: str | None = None
) -> list[Document]:
    return await library.list(limit=limit, before=before)


@router.post("/documents", status_code=202, tags=["documents"])
async def add_document(file: OneFile, library: LibraryDep, response: Response) -> Document:
    """Takes a PDF in; it is read and embedded in the background. The same file twice is the same document."""
    (upload,) = file
    async with _stored(upload) as path:
        document = await library.add(path, name=_plain_name(upload.filename))
    response.headers["Location"] = f"/documents/{document.id}"
    return document


@router.get("/documents/{document_id}", tags=["documents"])
async def get_document(document_id: str, library: LibraryDep) -> Document:
    return await library.get(document_id)


@router.get("/documents/{document_id}/file", tags=["documents"], response_class=FileResponse, responses=A_PDF)
async def get_file(document_id: str, library: LibraryDep) -> FileResponse:
    """The PDF itself."""
    document, path = await library.file(document_id)
    return FileResponse(
        path,
        media_type="application/pdf",
        filename=document.file,
        content_disposition_type="inline",
        # A PDF may hold scripts: it is shown by the browser's viewer, never as a page of this service.
        headers={"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"},
    )


@router.delete("/documents/{document_id}", status_code=204, tags=["documents"])
async def remove_document(document_id: str, library: LibraryDep) -> None:
    await library.remove(document_id)


@router.get("/search", tags=["search"])
async def search(
    library: LibraryDep,
    q: str,
    document_id: Annotated[list[str] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 5,
) -> list[Hit]:
    """The best passages for a question, best first."""
    return await library.search(q, document_ids=document_id, limit=limit)


@asynccontextmanager
async def _stored(upload: UploadFile) -> AsyncIterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload.pdf"
        with await to_thread.run_sync(path.open, "wb") as stored:
            await to_thread.run_sync(shutil.copyfileobj, upload.file, stored)
        yield path


def _plain_name(name: str | None) -> str:
    """The last part of whatever path a client sent, printable and short enough to store."""
    last = PureWindowsPath(PurePosixPath(name or "").name).name
    printable = "".join(character for character in last if character.isprintable()).strip()
    return printable[-200:] or "unnamed.pdf"
