"""POST /documents with a JSON object: a paper of arXiv instead of a file."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.datastructures import Headers
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from tunedd_api.library.arxiv.adding import ArxivPapers
from tunedd_api.library.model import Document
from tunedd_api.middleware import BodyLimit

LARGEST = 4096
"""Bytes. The path itself takes files, so its limit is far higher than what is to be held in memory."""


class PaperOfArxiv(BaseModel):
    """A paper of arXiv, by its id or a link to it."""

    arxiv_id: str = Field(
        description="An id or a link. Without a version the newest is added.",
        examples=["2402.03578v1", "math/0309136", "https://arxiv.org/abs/2402.03578v1"],
    )


JSON_TOO: dict[str, Any] = {
    "requestBody": {"content": {"application/json": {"schema": PaperOfArxiv.model_json_schema()}}}
}
"""What the description of POST /documents adds to that of its form."""


class _JsonRoute(APIRoute):
    """Leaves requests with another content type to the next route of the same path."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http":
            kind = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
            if kind != "application/json":
                return Match.NONE, {}
        return super().matches(scope)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await BodyLimit(super().handle, limit=LARGEST, limits={})(scope, receive, send)


router = APIRouter(route_class=_JsonRoute)


def _papers(request: Request) -> ArxivPapers:
    papers: ArxivPapers = request.app.state.services.arxiv
    return papers


ArxivDep = Annotated[ArxivPapers, Depends(_papers)]


# Described with the form, as one operation: a path has one for each method.
@router.post("/documents", status_code=202, include_in_schema=False)
async def add_paper(paper: PaperOfArxiv, papers: ArxivDep, response: Response) -> Document:
    document = await papers.add(paper.arxiv_id)
    response.headers["Location"] = f"/documents/{document.id}"
    return document
