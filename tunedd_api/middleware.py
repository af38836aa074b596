"""Pure ASGI middleware: what is too large is refused before it is stored, and what crashes is answered."""

from collections.abc import Mapping

import anyio
import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tunedd_api.errors import INTERNAL, leaves

log = structlog.get_logger(__name__)

TOO_LARGE = "The request is too large; for files TUNEDD_MAX_UPLOAD_MB sets the limit."


class BodyLimit:
    """
    `limits` holds bytes by path; every other path has `limit`.

    The framework's own limit answers in plain text, which no client of this API expects.
    """

    def __init__(self, app: ASGIApp, *, limit: int, limits: Mapping[str, int]) -> None:
        self._app = app
        self._limit = limit
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limits.get(scope["path"], self._limit)
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdigit() and int(announced) > limit:
            refusal = JSONResponse({"error": "TooLarge", "message": TOO_LARGE}, status_code=413)
            await refusal(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                # The one error that passes through the parsing of a body unchanged.
                raise HTTPException(413, TOO_LARGE)
            return message

        await self._app(scope, counted, send)


class InternalErrors:
    """
    Answers a request that met a bug, inside the middleware that adds headers for browsers.

    The framework's own answer comes from outside of all middleware, so a browser could not read it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception as error:
            if started and all(isinstance(leaf, anyio.BrokenResourceError) for leaf in leaves(error)):
                # The framework's own ping met a stream whose client had just left.
                log.debug("client.left")
                return
            if scope["type"] != "http" or started:
                raise
            log.exception("request.crashed")
            answer = JSONResponse({"error": "InternalError", "message": INTERNAL}, status_code=500)
            await answer(scope, receive, send)
