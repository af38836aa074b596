"""`/health` and `/ready`: whether the process is alive, and whether all that it needs is there."""

import time
from collections.abc import Mapping
from typing import Any

import anyio
import structlog
from fastapi import APIRouter, Request
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tunedd_api.bootstrap import Check, Opening, Services
from tunedd_api.errors import SetupError, TuneddError, Unavailable

log = structlog.get_logger(__name__)
router = APIRouter(tags=["service"])

CHECK_WITHIN = 4.0
"""Seconds that a dependency has to answer."""
RETRY = {"Retry-After": "5"}
ANSWERED_WHILE_OPENING = frozenset({"/", "/health", "/ready", "/docs", "/openapi.json"})
CHAT_MODEL = "chat model"


@router.get("/health")
async def health() -> dict[str, str]:
    """The process is alive."""
    return {"status": "alive"}


@router.get("/ready")
async def ready(request: Request) -> JSONResponse:
    """200 once the papers folder is in the library and all dependencies answer; else 503 and what is not."""
    opening: Opening = request.app.state.opening
    services = opening.services
    if services is None:
        problem = opening.problem.message if opening.problem else None
        body: dict[str, Any] = {"ready": False, "waiting_for": ["start"], "problem": problem}
        return JSONResponse(body, status_code=503, headers=RETRY)
    dependencies = await _checked(services.checks())
    waiting = [name for name, state in dependencies.items() if not state["ready"]]
    body = {"ready": False, "waiting_for": waiting, **await _progress(services, waiting)}
    body["ready"] = not waiting
    body["chat_model"] = {"name": services.model.name, **dependencies[CHAT_MODEL]}
    body["dependencies"] = dependencies
    return JSONResponse(body, status_code=503 if waiting else 200, headers=RETRY if waiting else None)


async def _progress(services: Services, waiting: list[str]) -> dict[str, Any]:
    try:
        progress = await services.library.progress()
    except (Unavailable, SetupError) as error:
        # The database, most likely, which is named already.
        return {"problem": error.message}
    if not progress.complete:
        waiting.insert(0, "documents")
    return {
        "documents": progress.documents,
        "files_left": progress.files_left,
        "reindexing": progress.reindexing,
        "problem": progress.problem,
    }


async def _checked(checks: Mapping[str, Check]) -> dict[str, dict[str, Any]]:
    states: dict[str, dict[str, Any]] = {}

    async def check(name: str, one: Check) -> None:
        started = time.perf_counter()
        reason = None
        try:
            with anyio.fail_after(CHECK_WITHIN):
                await one()
        except TuneddError as error:
            reason = error.message
        except TimeoutError:
            reason = f"No answer within {CHECK_WITHIN:.0f} s."
        except Exception as error:
            log.exception("dependency.not_checked", dependency=name)
            reason = f"It could not be asked: {type(error).__name__}. The log says more."
        state: dict[str, Any] = {"ready": reason is None}
        state["latency_ms"] = round((time.perf_counter() - started) * 1000, 1)
        states[name] = state if reason is None else {**state, "reason": reason}

    async with anyio.create_task_group() as tasks:
        for name, one in checks.items():
            tasks.start_soon(check, name, one)
    return {name: states[name] for name in checks}


class StillOpening:
    """Pure ASGI middleware: answers for the services while they cannot be opened."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            state = HTTPConnection(scope).app.state
            opening: Opening = state.opening
            state.services = opening.services
            if opening.services is None and scope["path"] not in ANSWERED_WHILE_OPENING:
                problem = opening.problem or Unavailable()
                body = {"error": type(problem).__name__, "message": problem.message}
                await JSONResponse(body, status_code=503, headers=RETRY)(scope, receive, send)
                return
        await self._app(scope, receive, send)
