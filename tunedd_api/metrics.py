"""`GET /metrics`, in the text format of Prometheus, and the middleware that measures requests."""

import time

import structlog
from fastapi import APIRouter, Request
from haystack.tracing.tracer import tracer
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tunedd_api.bootstrap import Opening, Services

router = APIRouter(tags=["service"])

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
"""For methods and addresses that do not exist: anybody may send any, and each would be kept for good."""
PROBES = frozenset({"/health", "/ready", "/metrics"})
"""Asked for every few seconds; a trace of each would bury the others."""


@router.get("/metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """How many of what and how long it took, for Prometheus. No text of any user."""
    services: Services = request.app.state.services
    return Response(await services.watch.text(), media_type=CONTENT_TYPE_LATEST)


class RequestMeasures:
    """Pure ASGI middleware: tells the measures of each request, by the template of its route."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.monotonic()
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        method = scope["method"] if scope["method"] in METHODS else OTHER
        try:
            if scope["path"] in PROBES:
                await self._app(scope, receive, noting)
                return
            asked = {"tunedd.request_id": structlog.contextvars.get_contextvars().get("request", "")}
            with tracer.trace("tunedd.request", asked) as span:
                try:
                    await self._app(scope, receive, noting)
                finally:
                    span.set_tags({"http.request.method": method, "http.route": _route(scope)})
                    span.set_tag("http.response.status_code", status)
        finally:
            opening: Opening = scope["app"].state.opening
            opening.measures.request_ended(method, _route(scope), status, time.monotonic() - started)


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", OTHER)
