"""Logging: structlog over the standard library, and a request id on every line of a request."""

import logging
import secrets
import sys
import time
from typing import Any
from urllib.parse import quote

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tunedd_api.visible import visible

log = structlog.get_logger(__name__)

REQUEST_ID = "X-Request-ID"
LONGEST_PATH = 200
"""Characters of a path that are logged, escaped: anybody may send anything as one."""
PROBES = ("/health", "/ready", "/metrics")
"""Asked for every few seconds by whoever watches the service."""


def set_up_logs(level: str, *, as_json: bool) -> None:
    """Everything goes to standard error, one line an event; other libraries' records are formatted alike."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    lines = logging.StreamHandler()
    lines.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _visible_only,
                renderer,
            ],
        )
    )
    logging.basicConfig(handlers=[lines], level=level.upper(), force=True)
    # Their lines tell of every request to a model or a database, and some repeat the texts.
    for talkative in ("aiosqlite", "httpx", "httpx2", "openai", "haystack", "uvicorn.access"):
        logging.getLogger(talkative).setLevel(max(logging.WARNING, logging.getLogger().level))
    # It warns of every answer that reaches its longest length, which the message itself tells.
    logging.getLogger("haystack.components.generators").setLevel(logging.ERROR)


def _visible_only(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Names and errors may hold what strangers wrote, and a terminal obeys escape sequences."""
    return {name: visible(value) if isinstance(value, str) else value for name, value in event.items()}


class RequestLog:
    """Pure ASGI middleware: gives every request an id, sends it back, and logs how the request ended."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        started = time.monotonic()
        seen: dict[str, Any] = {"status": 500}

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request=request_id):
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                seconds = round(time.monotonic() - started, 3)
                tell = log.debug if scope["path"] in PROBES else log.info
                # The path alone: a query string holds what somebody searched for.
                path = quote(scope["path"])[:LONGEST_PATH]
                tell("request.ended", method=scope["method"], path=path, seconds=seconds, **seen)
