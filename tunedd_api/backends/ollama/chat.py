"""Answers on an Ollama server."""

import anyio
import httpx
import structlog
from haystack import Pipeline
from haystack.dataclasses import ChatMessage

from tunedd_api.backends.asking import CONNECT_WITHIN, chat_part
from tunedd_api.backends.chat_models.served import CHECK_WITHIN
from tunedd_api.backends.chat_models.watched import Patience, WatchedGenerator, pipeline_of
from tunedd_api.backends.ollama.address import Address
from tunedd_api.backends.ollama.failures import comes_back_after, explain, is_missing
from tunedd_api.backends.ollama.server import OllamaServer, keep_alive
from tunedd_api.backends.ollama.tool_calls import OllamaToolCalls
from tunedd_api.errors import ModelUnavailable
from tunedd_api.settings import Settings

log = structlog.get_logger(__name__)

LEAST_PAUSE = 0.5
LONGEST_PAUSE = 5.0
"""Seconds between two attempts to reach a server that is not there."""


class OllamaChat:
    """
    Fulfils `ServedModel`. `run` reaches the server, pulls the model where that is allowed, and loads it.

    What the model reads at once is told to Ollama with every question, because what is beyond it Ollama cuts
    off without a word.
    """

    def __init__(self, address: Address, settings: Settings) -> None:
        self.name = address.model
        self.places = settings.chat_slots
        self.calls_tools = False
        self._settings = settings
        self._part = chat_part(address.model)
        self._server = OllamaServer(address)
        self._pipeline: Pipeline | None = None
        self._reason = f"{self._part} was not reached yet."
        self._set_context(settings.context_tokens)

    def pipeline(self) -> Pipeline:
        if self._pipeline is None:
            doing = self._server.pulling
            raise ModelUnavailable(f"{self._part} is not there yet: {doing}." if doing else self._reason)
        return self._pipeline

    async def check(self) -> None:
        self.pipeline()
        try:
            with anyio.fail_after(CHECK_WITHIN):
                await self._server.digest()
        except Exception as error:
            raise self.describe(error) from error

    def describe(self, error: BaseException) -> ModelUnavailable:
        return ModelUnavailable(explain(error, self._part, self._server.url))

    async def run(self) -> None:
        """Until the model was loaded once."""
        pause = LEAST_PAUSE
        while True:
            try:
                await self._get_ready()
                return
            except Exception as error:
                self._reason = self.describe(error).message
                log.warning("model.unavailable", model=self.name, reason=self._reason)
                await self._mend(error)
            await anyio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def aclose(self) -> None:
        if self._pipeline is not None:
            await self._pipeline.close_async()
        await self._server.aclose()

    async def _get_ready(self) -> None:
        facts = await self._server.facts()
        self.calls_tools = "tools" in facts.capabilities
        self._set_context(min(self._settings.context_tokens, facts.context_tokens))
        self._pipeline = pipeline_of(
            WatchedGenerator(
                self._generator(),
                part=self._part,
                patience=Patience.of(self._settings),
                again_after=comes_back_after,
                ended=lambda reply: bool(reply.meta.get("done")),
            )
        )
        log.info("model.found", model=self.name, context=self._context, tools=self.calls_tools)
        await self._warm_up()

    async def _warm_up(self) -> None:
        """Loads the model as it is going to be used. A question that comes meanwhile waits for the same."""
        hello = {"messages": [ChatMessage.from_user("Hello")], "generation_kwargs": {"num_predict": 1}}
        try:
            assert self._pipeline
            await self._pipeline.run_async({"llm": hello})
        except Exception as error:
            reason = self.describe(error.__cause__ or error).message
            log.warning("model.not_warm", model=self.name, reason=reason)
        else:
            log.info("model.ready", model=self.name)

    async def _mend(self, error: Exception) -> None:
        if self._settings.ollama_pull and is_missing(error):
            try:
                await self._server.pull()
            except Exception as failure:
                self._reason = self.describe(failure).message
                log.warning("model.not_pulled", model=self.name, reason=self._reason)

    def _set_context(self, tokens: int) -> None:
        self._context = tokens
        self._answer = min(self._settings.answer_tokens, tokens // 2)
        self.prompt_tokens = self._context - self._answer

    def _generator(self) -> OllamaToolCalls:
        timeout = httpx.Timeout(self._settings.answer_timeout, connect=CONNECT_WITHIN)
        return OllamaToolCalls(
            model=self.name,
            url=self._server.url,
            generation_kwargs={"temperature": 0, "num_ctx": self._context, "num_predict": self._answer},
            timeout=timeout,  # type: ignore[arg-type]  # handed on to httpx as it is
            keep_alive=keep_alive(self._settings),
        )
