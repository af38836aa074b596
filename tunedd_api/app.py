"""The web application: lifespan, routers, how errors become statuses, health and readiness."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from tunedd_api import __version__, readiness
from tunedd_api.bootstrap import Opening, keep_open
from tunedd_api.chat import routes as chat_routes
from tunedd_api.errors import (
    Conflict,
    DiskFull,
    NotFound,
    Rejected,
    SetupError,
    StoreUnavailable,
    TuneddError,
    Unavailable,
)
from tunedd_api.library import progress as library_progress
from tunedd_api.library import routes as library_routes
from tunedd_api.logs import REQUEST_ID, RequestLog
from tunedd_api.metrics import RequestMeasures
from tunedd_api.metrics import router as metrics_router
from tunedd_api.middleware import BodyLimit, InternalErrors
from tunedd_api.settings import Settings

log = structlog.get_logger(__name__)


class Problem(BaseModel):
    """Every error of the API."""

    error: str
    """Class name of the error."""
    message: str
    """A sentence that says what to do."""


BODY_IS_JSON = "Send a JSON object in UTF-8, with the header Content-Type: application/json."
ADD_ONE = (
    "Send one PDF as the form field 'file', with its file name; or a JSON object such as "
    '{"arxiv_id": "2402.03578v1"}.'
)
ADDED_AS = (("body", "file"), ("body", "arxiv_id"))
MULTIPART = 1 << 16
"""Bytes that a form may have beside its file."""
LARGEST_MESSAGE = 1 << 20
"""Bytes; far more than the longest question, and little enough to hold in memory."""
PROBLEMS: dict[int | str, dict[str, Any]] = {
    # Not as `model`, which would take the media type of the answer when all is well: a stream, a PDF.
    status: {"description": meaning, "content": {"application/json": {"schema": Problem.model_json_schema()}}}
    for status, meaning in {
        404: "There is no such document or conversation.",
        409: "It does not fit the present state.",
        413: "The request is too large.",
        422: "The request cannot be carried out as it is.",
        503: "Not available now; the header Retry-After says for how long.",
    }.items()
}
STATUSES: dict[type[TuneddError], int] = {
    NotFound: 404,
    Conflict: 409,
    Rejected: 422,
    Unavailable: 503,
    SetupError: 503,
}
"""The first kind that an error is decides; a kind stands before the kinds it is a case of."""


def create_app(settings: Settings, opening: Opening | None = None) -> FastAPI:
    """The service as an ASGI application. Without `opening` it opens services of its own when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with nullcontext(opening) if opening else keep_open(settings) as opened:
            app.state.opening = opened
            app.state.services = opened.services
            yield

    app = FastAPI(
        title="Tunedd",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.include_router(library_routes.router, responses=PROBLEMS)
    app.include_router(library_progress.router, responses=PROBLEMS)
    app.include_router(chat_routes.router, responses=PROBLEMS)
    app.include_router(readiness.router)
    app.include_router(metrics_router)
    app.add_api_route("/", _root, include_in_schema=False)
    app.add_exception_handler(TuneddError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(OSError, _on_os_error)
    app.add_middleware(InternalErrors)
    upload = (settings.max_upload_mb << 20) + MULTIPART
    app.add_middleware(BodyLimit, limit=LARGEST_MESSAGE, limits={"/documents": upload})
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["Location", "Retry-After", REQUEST_ID],
        )
    app.add_middleware(RequestMeasures)
    app.add_middleware(readiness.StillOpening)
    app.add_middleware(RequestLog)
    return app


async def _root() -> RedirectResponse:
    return RedirectResponse("/docs")


async def _on_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, TuneddError)
    status = next((status for kind, status in STATUSES.items() if isinstance(error, kind)), 500)
    if isinstance(error, StoreUnavailable | SetupError):
        # Nobody may be reading the answer: a disk or a server that fails has to be seen by who runs this.
        log.warning("request.failed", error=type(error).__name__, reason=error.message)
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, Unavailable) else None
    return _error(status, type(error).__name__, error.message, headers)


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    problems = error.errors()
    if any(problem["loc"][:2] in ADDED_AS for problem in problems):
        return _error(422, "InvalidRequest", ADD_ONE)
    if any(problem["loc"] == ("body",) or problem["type"] == "json_invalid" for problem in problems):
        return _error(422, "InvalidRequest", BODY_IS_JSON)
    # The input itself is left out: it may be a whole file, or not be text at all.
    said = [f"{'.'.join(map(str, problem['loc'][1:]))}: {problem['msg']}" for problem in problems]
    return _error(422, "InvalidRequest", "; ".join(said))


async def _on_os_error(request: Request, error: Exception) -> JSONResponse:
    if DiskFull.caused(error):
        return await _on_error(request, DiskFull())
    raise error


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if DiskFull.caused(error):
        # An upload is parsed into the temporary folder, which may be on another disk than the home.
        return await _on_error(request, DiskFull())
    match error.status_code:
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return _error(413, "TooLarge", str(error.detail))
        case HTTPStatus.BAD_REQUEST if _is_form(request):
            return _error(422, "InvalidRequest", f"{error.detail} {ADD_ONE}")
        case HTTPStatus.BAD_REQUEST:
            return _error(422, "InvalidRequest", BODY_IS_JSON)
        case HTTPStatus.NOT_FOUND | HTTPStatus.METHOD_NOT_ALLOWED:
            there = f"There is no {request.method} at this address; /docs shows what there is."
            return _error(error.status_code, "NoSuchAddress", there, error.headers)
        case _:
            return _error(error.status_code, "HttpError", str(error.detail), error.headers)


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith("multipart/")


def _error(status: int, name: str, message: str, headers: Any = None) -> JSONResponse:
    return JSONResponse({"error": name, "message": message}, status_code=status, headers=headers)


_DESCRIPTION = """
Answers questions about a library of scientific papers and shows where each answer comes from.

Start with `POST /conversations`, then ask with `POST /conversations/{id}/messages/stream`.
Errors are `{"error": "<class>", "message": "<what to do>"}`.
"""
