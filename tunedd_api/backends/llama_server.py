"""Starts, watches and restarts llama.cpp in a child process; speaks to it as a Haystack chat generator."""

import json
import secrets
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import anyio
import openai
import structlog
from anyio.abc import ByteReceiveStream, Process
from anyio.streams.text import TextReceiveStream
from haystack import Pipeline
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.core.errors import PipelineRuntimeError
from haystack.dataclasses import ChatMessage
from haystack.utils import Secret

from tunedd_api.errors import ModelStarting, ModelUnavailable

log = structlog.get_logger(__name__)

START_WITHIN = 300.0
"""Seconds; reading a model from a slow disk takes minutes."""
STEADY_AFTER = 60.0
"""Seconds after which a stop counts as the first one again."""
LONGEST_PAUSE = 30.0
CACHE_MIB = 512
COMMAND = (sys.executable, "-m", "tunedd_api.backends.llama_child")
START_FAILURES = (
    OSError,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    PipelineRuntimeError,
    ValueError,
)
"""What a process that dies or talks nonsense at its start makes of the attempt to speak to it."""


@dataclass(frozen=True, kw_only=True)
class LlamaSettings:
    name: str
    file: Path
    context_tokens: int
    answer_tokens: int
    places: int
    threads: int
    timeout: float


class LlamaServer:
    """One llama.cpp server. `run` keeps it up until cancelled; `pipeline` speaks to it while it is up."""

    calls_tools = False
    """The small models that run here write their tool calls as text, unreliably."""

    def __init__(self, settings: LlamaSettings, *, command: Sequence[str] = COMMAND) -> None:
        self.name = settings.name
        self.places = settings.places
        self.prompt_tokens = settings.context_tokens - settings.answer_tokens
        self.pid: int | None = None
        self._settings = settings
        self._command = command
        self._pipeline: Pipeline | None = None
        self._reason: str | None = None
        self._last_words: deque[str] = deque(maxlen=5)
        self._failure = ""

    def pipeline(self) -> Pipeline:
        if self._pipeline is None:
            raise ModelUnavailable(self._reason) if self._reason else ModelStarting
        return self._pipeline

    async def check(self) -> None:
        """Raises ModelUnavailable while the model is not up."""
        self.pipeline()

    def describe(self, error: BaseException) -> ModelUnavailable:
        match error:
            case openai.APITimeoutError():
                return ModelUnavailable("The language model did not answer in time. Ask again.")
            case openai.APIConnectionError():
                return ModelUnavailable("The language model stopped while answering; it is being restarted.")
            case openai.APIStatusError():
                return ModelUnavailable(f"The language model refused the question: {error.message}")
            case _:
                return ModelUnavailable(f"The language model failed: {error}")

    async def run(self) -> None:
        """Keeps the server up: starts it, warms it, restarts it when it ends, with growing pauses."""
        pause = 1.0
        while True:
            started = time.monotonic()
            self._last_words.clear()
            self._failure = "it gave no reason"
            try:
                await self._live()
            except OSError as error:
                self._failure = str(error)
            finally:
                self._pipeline = None
            pause = 1.0 if time.monotonic() - started > STEADY_AFTER else min(pause * 2, LONGEST_PAUSE)
            words = self._last_words[-1] if self._last_words else self._failure
            self._reason = f"The language model stopped ({words}); it is being restarted."
            log.warning("model.stopped", model=self.name, reason=words, restart_in=pause)
            await anyio.sleep(pause)

    async def _live(self) -> None:
        """One life of the child process, from its start to its end."""
        # In a session of its own, so that Ctrl-C in the terminal reaches the service alone.
        process = await anyio.open_process(self._command, start_new_session=True)
        self.pid = process.pid
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._listen, process.stderr)
                try:
                    await self._start(process)
                except START_FAILURES as error:
                    self._failure = f"{type(error).__name__} at its start"
                    log.debug("model.not_started", model=self.name, reason=str(error))
                    _end(process)
                await process.wait()
        finally:
            self.pid = None
            pipeline, self._pipeline = self._pipeline, None
            with anyio.CancelScope(shield=True):
                _end(process)
                await process.aclose()
                if pipeline is not None:
                    await pipeline.close_async()

    async def _start(self, process: Process) -> None:
        key = secrets.token_hex(16)
        started = time.monotonic()
        assert process.stdin
        assert process.stdout
        await process.stdin.send(self._settings_line(key))
        with anyio.move_on_after(START_WITHIN):
            if address := await _first_line(process.stdout):
                pipeline = self._connect(json.loads(address)["address"], key)
                await pipeline.run_async(
                    {
                        "llm": {
                            "messages": [ChatMessage.from_user("Hello")],
                            "generation_kwargs": {"max_tokens": 1},
                        }
                    }
                )
                self._pipeline = pipeline
                log.info("model.ready", model=self.name, seconds=round(time.monotonic() - started, 1))
                return
        _end(process)

    def _settings_line(self, key: str) -> bytes:
        settings = self._settings
        line = {
            "model": str(settings.file),
            "name": settings.name,
            "api_key": key,
            "context_tokens": settings.context_tokens,
            "places": settings.places,
            "threads": settings.threads,
            "cache_mib": CACHE_MIB,
        }
        return json.dumps(line).encode() + b"\n"

    def _connect(self, address: str, key: str) -> Pipeline:
        generator = OpenAIChatGenerator(
            api_key=Secret.from_token(key),
            model=self.name,
            api_base_url=f"{address}/v1",
            generation_kwargs={
                "temperature": 0,
                "max_tokens": self._settings.answer_tokens,
                "stream_options": {"include_usage": True},
            },
            timeout=self._settings.timeout,
            # The supervisor restarts what failed; asking again behind its back would hide it.
            max_retries=0,
        )
        pipeline = Pipeline()
        pipeline.add_component("llm", generator)
        return pipeline

    async def _listen(self, stream: ByteReceiveStream | None) -> None:
        assert stream
        async for text in TextReceiveStream(stream, errors="replace"):
            for line in text.splitlines():
                if " E " in line or "rror" in line:
                    self._last_words.append(line.strip())
                log.debug("model.says", line=line)


def _end(process: Process) -> None:
    # It may have ended by itself a moment ago.
    with suppress(ProcessLookupError):
        process.kill()


async def _first_line(stream: ByteReceiveStream) -> str | None:
    line = ""
    try:
        while "\n" not in line:
            line += (await stream.receive()).decode()
    except anyio.EndOfStream:
        return None
    return line
