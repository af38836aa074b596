"""An Ollama server: what it says of a model, and how a model gets onto it."""

import json
import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anyio
import httpx
import structlog
from ollama import ResponseError

from tunedd_api.backends.asking import CONNECT_WITHIN, StillComing
from tunedd_api.backends.ollama.address import Address
from tunedd_api.settings import Settings

log = structlog.get_logger(__name__)

INFO_WITHIN = 10.0
"""Seconds for what needs no model to be loaded; a vocabulary is some megabytes."""
LOG_EVERY = 15.0
"""Seconds between two lines about a model that is being pulled."""
LEAST_CONTEXT = 512
"""Tokens that a model is taken to read where its file says nothing of it."""
PULL_SILENCE = 300.0
"""Seconds in which a model being pulled may show no progress; verifying a large one takes minutes."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a server says of a model."""

    digest: str
    context_tokens: int
    """Longest text the model can read."""
    set_tokens: int | None
    """How much of that its model file gives it."""
    capabilities: Sequence[str]
    tokenizer: Mapping[str, Any]
    """`tokenizer.ggml.…` of the model file."""


class OllamaServer:
    """One model on one server. What it raises is for `failures.explain`."""

    def __init__(self, address: Address) -> None:
        self.url = address.url
        self.model = address.model
        self.pulling: str | None = None
        """How far the pull is that is under way."""
        self._client = httpx.AsyncClient(
            base_url=address.url, timeout=httpx.Timeout(INFO_WITHIN, connect=CONNECT_WITHIN)
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def digest(self) -> str:
        """Of the model as it is there now. Raises ResponseError 404 if it is not."""
        listed = (await self._ask("GET", "/api/tags"))["models"]
        # Names are the same in capitals to Ollama.
        names = {one["name"].lower(): str(one["digest"]) for one in listed}
        if self.model.lower() not in names:
            raise ResponseError(f"model '{self.model}' not found", 404)
        return names[self.model.lower()].removeprefix("sha256:")

    async def facts(self, *, vocabulary: bool = False) -> Facts:
        digest = await self.digest()
        shown = await self._ask("POST", "/api/show", {"model": self.model, "verbose": vocabulary})
        info: Mapping[str, Any] = shown.get("model_info") or {}
        set_tokens = re.search(r"^num_ctx\s+(\d+)", shown.get("parameters") or "", re.MULTILINE)
        return Facts(
            digest=digest,
            context_tokens=_context(info),
            set_tokens=int(set_tokens[1]) if set_tokens else None,
            capabilities=tuple(shown.get("capabilities") or ()),
            tokenizer={
                name.removeprefix("tokenizer.ggml."): value
                for name, value in info.items()
                if name.startswith("tokenizer.ggml.")
            },
        )

    async def pull(self, *, within: float = math.inf) -> None:
        """
        Brings the model onto the server, which goes on where an earlier pull was broken off.

        Raises StillComing after `within` seconds, unless it is at what it would have to begin anew.
        """
        end = anyio.current_time() + within
        log.info("model.pulling", model=self.model, server=self.url)
        logged = time.monotonic()
        self.pulling = "it is being pulled"
        timeout = httpx.Timeout(PULL_SILENCE, connect=CONNECT_WITHIN)
        try:
            body = {"model": self.model}
            with anyio.CancelScope(deadline=end) as scope:
                async with self._client.stream("POST", "/api/pull", json=body, timeout=timeout) as response:
                    await _check(response)
                    async for line in response.aiter_lines():
                        event = json.loads(line)
                        self.pulling = _progress(event)
                        scope.deadline = end if event.get("total") else math.inf
                        if time.monotonic() - logged > LOG_EVERY:
                            logged = time.monotonic()
                            log.info("model.pulling", model=self.model, progress=self.pulling)
            if scope.cancelled_caught:
                raise StillComing(self.pulling)
        finally:
            self.pulling = None
        log.info("model.pulled", model=self.model)

    async def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        response = await self._client.request(method, path, json=body)
        await _check(response)
        answer = response.json()
        if not isinstance(answer, dict):
            raise ValueError("no JSON object")
        return answer


def keep_alive(settings: Settings) -> float | str:
    """As Ollama wants it: for good is a number."""
    return -1 if settings.ollama_keep_alive == "-1" else settings.ollama_keep_alive


async def _check(response: httpx.Response) -> None:
    if response.is_error:
        await response.aread()
        raise ResponseError(response.text, response.status_code)


def _context(info: Mapping[str, Any]) -> int:
    return int(info.get(f"{info.get('general.architecture')}.context_length") or LEAST_CONTEXT)


def _progress(event: Mapping[str, Any]) -> str:
    if error := event.get("error"):
        raise ResponseError(str(error))
    total, done = event.get("total"), event.get("completed", 0)
    if not total:
        return f"it is being pulled ({event.get('status')})"
    return f"it is being pulled ({100 * done // total} % of {total / 1e9:.1f} GB)"
