"""An embedding model behind a server: what is known of it, and how it is asked."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

import anyio
import structlog

from tunedd_api.backends.asking import LONG_RETRIES, QUICK_RETRIES, Part, ask
from tunedd_api.backends.model_identity import Identity, ModelReplaced
from tunedd_api.errors import EmbeddingUnavailable, TuneddError, leaves

log = structlog.get_logger(__name__)

LEAST_PAUSE = 0.5
LONGEST_PAUSE = 5.0
"""Seconds between two attempts to reach a server that is not there."""
LEARN_WITHIN = 30.0
"""Seconds that a server may take to load the model and to say what has to be known of it."""
CHECK_WITHIN = 3.0
"""Seconds that a server has to show that it is there."""
REPLACED = "was replaced on its server. Start the service anew: it then indexes the documents for it."


@dataclass(frozen=True, kw_only=True)
class Known:
    """What has to be known of a model before anything can be embedded with it."""

    name: str
    """With what tells apart two models of one name, where the server says it."""
    dimension: int
    max_tokens: int
    count_tokens: Callable[[Sequence[str]], list[int]]


class EmbeddingServer(Protocol):
    """One model on one server. Its errors are its own; `explain` and `comes_back_after` know them."""

    part: Part

    @property
    def tells_apart(self) -> bool:
        """Whether `check` is cheap and raises ModelReplaced once the name stands for another model."""
        ...

    @property
    def doing(self) -> str | None:
        """What it is at that takes minutes, such as pulling the model."""
        ...

    async def learn(self) -> Known:
        """Embeds a word, so that the dimension is what it is and the model is loaded."""
        ...

    async def mend(self, error: BaseException | None, *, within: float) -> bool:
        """Does what can be done about an error of `learn`; False if there is nothing."""
        ...

    async def check(self) -> None: ...
    async def embed_question(self, text: str) -> Sequence[float]: ...
    async def embed_passages(self, texts: Sequence[str]) -> Sequence[Sequence[float]]: ...
    def explain(self, error: BaseException) -> str: ...
    def comes_back_after(self, error: BaseException) -> bool: ...
    async def aclose(self) -> None: ...


class ServedEmbedding:
    """
    A model that a server embeds with.

    Until the server was reached for the first time, what is known of it is what is remembered of it; the rest
    raises EmbeddingUnavailable.
    """

    def __init__(self, server: EmbeddingServer) -> None:
        self._server = server
        self._known: Known | None = None
        self._remembered: tuple[str, int] | None = None
        self._reason = f"{server.part} was not reached yet."
        self._connecting = asyncio.Lock()
        self._identity = Identity(server.check)

    @property
    def replaced(self) -> bool:
        """Whether another model was seen to have its name: then nothing can be embedded any more."""
        return self._identity.lost

    @property
    def name(self) -> str:
        return self._facts().name if self._remembered is None else self._remembered[0]

    @property
    def dimension(self) -> int:
        return self._facts().dimension if self._remembered is None else self._remembered[1]

    @property
    def max_tokens(self) -> int:
        return self._facts().max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._facts().count_tokens(texts)

    def remember(self, name: str, dimension: int) -> None:
        """What it was called when it was last there: indexes can be opened before it comes back."""
        if self._known is None:
            self._remembered = (name, dimension)

    async def connect(self) -> None:
        """Learns what has to be known. Raises EmbeddingUnavailable."""
        if self._known is None and self._server.doing is None:
            async with self._connecting:
                if self._known is None:
                    with self._told():
                        self._known = await self._server.learn()
                    log.info("embedding.ready", model=self._known.name, dimension=self._known.dimension)
        self._facts()

    async def start(self, *, within: float) -> None:
        """
        The same; brings what is missing onto the server, if that is allowed, for so many seconds: whoever
        starts again goes on from there.
        """
        try:
            await self._connect_soon()
        except EmbeddingUnavailable as error:
            with self._told():
                mended = await self._server.mend(error.__cause__, within=within)
            if not mended:
                raise
            await self.connect()

    async def _connect_soon(self) -> None:
        with anyio.move_on_after(LEARN_WITHIN):
            await self.connect()
            return
        raise EmbeddingUnavailable(f"{self._server.part} did not answer within {LEARN_WITHIN:g} s.")

    async def keep_connecting(self) -> None:
        """Until it was reached."""
        pause = LEAST_PAUSE
        while self._known is None:
            with suppress(EmbeddingUnavailable):
                await self.start(within=math.inf)
                return
            await anyio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def check(self) -> None:
        """Raises EmbeddingUnavailable if nothing can be embedded now."""
        self._facts()
        with self._told():
            with anyio.fail_after(CHECK_WITHIN):
                await self._identity.check()

    async def question(self, text: str) -> Sequence[float]:
        async def embed() -> Sequence[float]:
            return (await self._ask(lambda: self._one(text), QUICK_RETRIES))[0]

        looks = self._known is not None and self._server.tells_apart and self._identity.due
        return await self._beside_a_look(embed) if looks else await embed()

    async def passages(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        vectors = await self._ask(lambda: self._server.embed_passages(texts), LONG_RETRIES)
        if self._server.tells_apart:
            # Afterwards: what is written was embedded by the model that it belongs to.
            await self._look()
        if len(vectors) != len(texts):
            raise EmbeddingUnavailable(
                f"{self._server.part} gave {len(vectors)} vectors for {len(texts)} texts."
            )
        return vectors

    async def _beside_a_look(self, embed: Callable[[], Awaitable[Sequence[float]]]) -> Sequence[float]:
        """So that nobody waits for it."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._look)
                vector = await embed()
        except ExceptionGroup as group:
            raise next(leaves(group)) from None
        return vector

    async def _look(self) -> None:
        with self._told():
            await self._identity.look()

    async def _one(self, text: str) -> Sequence[Sequence[float]]:
        return [await self._server.embed_question(text)]

    async def _ask(
        self, call: Callable[[], Awaitable[Sequence[Sequence[float]]]], within: float
    ) -> Sequence[Sequence[float]]:
        await self.connect()
        with self._told():
            vectors = await ask(call, again_after=self._server.comes_back_after, within=within)
        if any(len(vector) != self.dimension for vector in vectors):
            lengths = sorted({len(vector) for vector in vectors})
            raise EmbeddingUnavailable(f"{self._server.part} gives {lengths} numbers, not {self.dimension}.")
        return vectors

    def _facts(self) -> Known:
        if self._known is None:
            doing = self._server.doing
            raise EmbeddingUnavailable(
                f"{self._server.part} is not there yet: {doing}." if doing else self._reason
            )
        if self.replaced or self._remembered not in (None, (self._known.name, self._known.dimension)):
            raise EmbeddingUnavailable(f"{self._server.part} {REPLACED}")
        self._remembered = None
        return self._known

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turns what the server's client raises into one sentence."""
        try:
            yield
        except TuneddError:
            raise
        except ModelReplaced as error:
            log.warning("embedding.replaced", model=self._server.part.name)
            raise EmbeddingUnavailable(f"{self._server.part} {REPLACED}") from error
        except Exception as error:
            self._reason = self._server.explain(error)
            raise EmbeddingUnavailable(self._reason) from error
