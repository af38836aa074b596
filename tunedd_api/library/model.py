"""The nouns of the library: documents, their pages, the passages cut from them, and what a search finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from tunedd_api.errors import Conflict, NotFound, Rejected, Unavailable, Unreadable


class Status(StrEnum):
    """Where the indexing of a document stands."""

    QUEUED = "queued"
    READING = "reading"
    EMBEDDING = "embedding"
    READY = "ready"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        return self in (Status.READY, Status.FAILED)


def document_id_of(sha256: str) -> str:
    """A document's id derives from its content, so the same file is the same document, in any database."""
    return sha256[:16]


@dataclass(frozen=True, kw_only=True)
class Document:
    """One PDF of the library, as its owner sees it."""

    id: str
    file: str
    """The file's name, without folders."""
    title: str
    authors: tuple[str, ...] = ()
    year: int | None = None
    arxiv_id: str | None = None
    categories: tuple[str, ...] = ()
    """Of arXiv, the primary one first."""
    status: Status
    pages: int = 0
    passages: int = 0
    """Passages that are stored; grows while the status is `embedding`."""
    passages_total: int | None = None
    """How many there will be; known once the document was read."""
    error: str | None = None
    """Why the status, or `reindexing`, is `failed`."""
    reindexing: Status | None = None
    """Where it stands in the index that is being built beside the one that serves."""
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Description:
    """What arXiv tells of a paper; it outranks what reading finds."""

    title: str
    authors: tuple[str, ...]
    year: int | None
    arxiv_id: str
    categories: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Page:
    """The clean text of one page."""

    number: int
    """From 1, in the order of the file."""
    text: str
    positions: Sequence[int]
    """For each character of `text`, its index among the page's raw characters in the PDF."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What reading a PDF yields."""

    pages: tuple[Page, ...]
    title: str | None = None
    authors: tuple[str, ...] = ()
    year: int | None = None
    arxiv_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Passage:
    """A stretch of one page, short enough that the embedder reads all of it."""

    page: int
    start: int
    end: int
    """`page_text[start:end] == text`."""
    text: str
    section: str | None = None
    """The heading it stands under, where one was recognised."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A passage that retrieval found, as the index knows it."""

    document_id: str
    page: int
    start: int
    """Where the passage begins in its page's text."""
    text: str
    score: float
    """Higher is better; scores compare within one search only."""
    section: str | None = None


@dataclass(frozen=True, kw_only=True)
class Hit(Found):
    """A passage that a search found, with the document it is from."""

    file: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far the indexing of one document is."""

    document: Document
    ahead: int
    """Documents that are indexed before this one is begun."""


@dataclass(frozen=True, kw_only=True)
class SyncProgress:
    """How far the service has come with the files it found in the papers folder."""

    complete: bool = False
    files_left: int = 0
    """Files of the papers folder that are still to be taken in."""
    documents: Mapping[str, int] = field(default_factory=dict)
    """Number of documents by status."""
    reindexing: Mapping[str, int] | None = None
    """The same for the index that is being built beside the one that serves."""
    problem: str | None = None
    """Why indexing or the folder's watch has paused, or nothing can be asked; it goes on by itself."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """
    The right to carry out one indexing.

    It is void once the document was removed, its indexing cancelled, or taken over by somebody else.
    """

    token: str
    document: Document
    stamp: str
    """Of the index that it is for."""
    described: bool = False
    """Whether arXiv told the document's title, which then stands whatever reading finds."""


@dataclass(frozen=True, kw_only=True)
class Removal:
    """A removed document whose file and passages may still be there."""

    document_id: str
    sha256: str
    forget: bool
    """Whether its tombstone goes too."""


@dataclass(frozen=True, kw_only=True)
class IndexRow:
    """An index as the database knows it."""

    stamp: str
    embedder: str
    """The embedding model that its vectors are known to agree with."""
    dimension: int
    cut: str
    model: str
    """The setting that questions to it are embedded with."""
    place: str
    """What tells its store from that of another index; empty for the first."""
    serving: bool


class Embedding(Protocol):
    """Turns texts into unit vectors. Knows its own limit, so that nothing is cut off silently."""

    @property
    def name(self) -> str:
        """Model and variant: part of the stamp of everything embedded with it."""
        ...

    @property
    def dimension(self) -> int: ...
    @property
    def max_tokens(self) -> int: ...
    def count_tokens(self, texts: Sequence[str]) -> list[int]: ...


class DocumentNotFound(NotFound):
    """There is no such document."""


class FileLost(NotFound):
    """The PDF of this document is not there any more. Add it again."""


class UnknownDocuments(Rejected):
    """Some of the chosen documents do not exist."""


class NotIndexing(Conflict):
    """The indexing of this document has ended, so there is nothing to cancel. DELETE removes the document."""


class NotFailed(Conflict):
    """Only the indexing of a failed document can be tried again."""


class ClaimLost(Conflict):
    """The indexing was cancelled, or somebody else has taken it over."""


class IndexOutdated(Unavailable):
    """
    Questions wait until the new index is complete: the embedding model of the old one is not there any more.
    """


class EmptyScope(Rejected):
    """An empty choice of documents has nothing to answer from. Leave document_ids out to ask all of them."""


class EmptyQuery(Rejected):
    """The question is empty. Write what you are looking for."""


class NotAPdf(Rejected):
    """This is not a PDF: it has no %PDF- within its first 1,024 bytes."""


class NothingReady(Unavailable):
    """No document is ready yet. See GET /documents for how far each one is."""


class PassagesLost(Unavailable):
    """The store does not hold all passages that were written to it."""


class PasswordProtected(Unreadable):
    """The PDF is protected by a password. Save a copy without one and add that."""


class NoText(Unreadable):
    """The PDF has no text layer, probably a scan. Run it through text recognition (OCR), then add it."""


class BrokenPdf(Unreadable):
    """The file is damaged and cannot be opened as a PDF. Fetch it again."""


class TooManyPages(Unreadable):
    """The PDF has more pages than this service reads."""


class ReadingTookTooLong(Unreadable):
    """Reading the PDF took longer than allowed, or more memory."""


class TooMuchText(Unreadable):
    """The PDF holds more text than this service reads."""


class ReadingFailed(Unreadable):
    """The PDF could not be read, through a fault of this service. Keep the file and report it."""


class ReadingKilled(Unreadable):
    """Reading the PDF was ended from outside again and again, probably because memory ran out."""
