"""Reads `SCHEME://HOST:PORT/PATH?model=NAME`, by which a setting names a model on a server."""

from urllib.parse import SplitResult, parse_qs, urlsplit

import httpx


def split(url: str) -> tuple[SplitResult, str] | None:
    """The parts of an address, and the model that it names, "" for none. None if it is no address at all."""
    try:
        parts = urlsplit(url)
        # Looked at here: a client would only do so with its first request, and fail in a manner of its own.
        _ = parts.port
        httpx.URL(parts._replace(scheme="http").geturl())
    except (ValueError, httpx.InvalidURL):
        return None
    return parts, parse_qs(parts.query).get("model", [""])[0].strip()
