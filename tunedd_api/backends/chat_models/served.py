"""What the service keeps a chat model as."""

from typing import Protocol

from haystack import Pipeline

from tunedd_api.errors import ModelUnavailable, SetupError

CHECK_WITHIN = 3.0
"""Seconds that a model behind a server has to show that it is there."""


class ServedModel(Protocol):
    """A chat model that the service keeps: what answering needs of it, and whether it is there."""

    name: str
    places: int

    @property
    def calls_tools(self) -> bool: ...
    @property
    def prompt_tokens(self) -> int:
        """Longest prompt that it reads whole."""
        ...

    def pipeline(self) -> Pipeline: ...
    def describe(self, error: BaseException) -> ModelUnavailable: ...
    async def check(self) -> None:
        """Raises ModelUnavailable if the model cannot answer now; takes 3 s at the most."""
        ...


class AbsentModel:
    """A chat model that is not on this machine: everything but answering works."""

    calls_tools = False
    places = 1
    prompt_tokens = 0

    def __init__(self, name: str, reason: SetupError) -> None:
        self.name = name
        self._reason = reason

    def pipeline(self) -> Pipeline:
        raise ModelUnavailable(self._reason.message)

    async def check(self) -> None:
        self.pipeline()

    def describe(self, error: BaseException) -> ModelUnavailable:
        return ModelUnavailable(str(error))
