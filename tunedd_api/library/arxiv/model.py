"""What arXiv calls a paper, and what can go wrong when it is asked for one."""

from dataclasses import dataclass, replace
from typing import Self

from tunedd_api.errors import NotFound, Rejected, Unavailable


@dataclass(frozen=True, kw_only=True)
class ArxivId:
    """`2402.03578v1` or `math/0309136v1`; without a version, whichever is the newest."""

    id: str
    version: int | None = None

    def __str__(self) -> str:
        return self.id if self.version is None else f"{self.id}v{self.version}"

    def at(self, version: int | None) -> Self:
        return replace(self, version=version)


class NotAnArxivId(Rejected):
    """Not an arXiv id. Send, for example, 2402.03578v1, math/0309136 or https://arxiv.org/abs/2402.03578v1."""


class PaperNotFound(NotFound):
    """arXiv has no such paper."""


class PaperUnavailable(Unavailable):
    """The paper could not be fetched."""

    retry_after = 30


class PaperTooLarge(Rejected):
    """The paper is larger than TUNEDD_MAX_UPLOAD_MB allows."""


class ArxivUnreachable(Unavailable):
    """arXiv cannot be reached."""

    retry_after = 30


class ArxivBusy(Unavailable):
    """Too many papers are waiting for arXiv, which is asked for one at a time. Try again in a moment."""

    retry_after = 30
