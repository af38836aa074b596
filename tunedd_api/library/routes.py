"""/documents and /search."""

import shutil
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, File, Query, Request, Response, UploadFile
from fastapi.responses import FileResponse

from tunedd_api.library.arxiv import routes as arxiv_routes
from tunedd_api.library.model import Document, Hit
from tunedd_api.library.names import displayable
from tunedd_api.library.service import Library

router = APIRouter()
# Before the form of the same path, which takes whatever it leaves.
router.include_router(arxiv_routes.router)


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


@router.post("/documents", status_code=202, tags=["documents"], openapi_extra=arxiv_routes.JSON_TOO)
async def add_document(file: OneFile, library: LibraryDep, response: Response) -> Document:
    """
    Takes a PDF in; it is read and embedded in the background. The same file twice is the same document.

    A JSON object `{"arxiv_id": "2402.03578v1"}` instead of the form fetches that paper from arXiv.
    """
    (upload,) = file
    async with library.incoming() as path:
        with await to_thread.run_sync(path.open, "wb") as stored:
            await to_thread.run_sync(shutil.copyfileobj, upload.file, stored)
        document = await library.add(path, name=displayable(upload.filename))
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
