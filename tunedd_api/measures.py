"""What the service tells of its own work while it does it. Who listens is decided where it is wired."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum


class AnswerStage(StrEnum):
    """What an answer's time goes to, in this order."""

    OPENING = "opening"
    """Its history is read, its question stored."""
    SEARCH = "search"
    WAITING = "waiting"
    """For a free place at the chat model."""
    FIRST_TOKEN = "first_token"
    """The chat model reads the prompt."""
    WRITING = "writing"
    """From the first token to the last; calls of tools are in it."""
    STORING = "storing"


class IndexingStage(StrEnum):
    """What an indexing's time goes to, in this order."""

    READING = "reading"
    CUTTING = "cutting"
    EMBEDDING = "embedding"
    """And storing: while one batch is stored, the other is embedded."""


class Measures:
    """Hears what was done and how long it took. This one forgets it; no text is ever told."""

    @contextmanager
    def stage(self, stage: AnswerStage | IndexingStage) -> Iterator[None]:
        """For the length of a stage, whether it ends well or not."""
        yield

    @contextmanager
    def answer(self, message_id: str) -> Iterator[None]:
        """For the length of a whole answer: what is done within belongs to it."""
        yield

    @contextmanager
    def indexing(self, document_id: str) -> Iterator[None]:
        """The same for the indexing of one document."""
        yield

    def took(self, stage: AnswerStage, seconds: float) -> None:
        """For a stage that is no block of code."""

    def first_token(self, seconds: float) -> None:
        """The model's first word came so long after the question."""

    def answer_ended(self, status: str, error: str, seconds: float) -> None:
        """`error` is the class name of what ended it early, or empty."""

    def tokens(self, prompt: int, answer: int) -> None:
        """What the chat model has read and written for one answer."""

    def passages_written(self, count: int) -> None: ...

    def indexing_paused(self, paused: bool) -> None:
        """Whether the indexer of this process waits for a store or a model."""

    def document_ended(self, error: str) -> None:
        """An indexing is over; `error` is the class name of what made it fail, or empty."""

    def request_ended(self, method: str, route: str, status: int, seconds: float) -> None:
        """`route` is the template, such as `/documents/{id}`: never what a client has sent."""


UNMEASURED = Measures()
"""For those whom nobody watches."""
