"""What the library's service and its worker need from the layers around them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from tunedd_api.library.model import Claim, Description, Document, Found, IndexRow, Reading, Removal, Status

Exclusive = Callable[[str], AbstractAsyncContextManager[None]]
"""A lock by its name, which one holds at a time, among all processes that work on one library."""


class DocumentRecords(Protocol):
    """Documents, kept for good, each with where it stands in the index that serves."""

    async def add(
        self,
        *,
        sha256: str,
        file: str,
        revive: bool,
        sample: bool = False,
        description: Description | None = None,
    ) -> Document | None:
        """
        The document with this content, recorded and queued if it is new.

        A deleted one comes back only with `revive`; without it the answer is None.
        """
        ...

    async def describe(self, document_id: str, description: Description) -> None: ...
    async def get(self, document_id: str) -> Document | None: ...
    async def ahead(self, document_id: str) -> int:
        """Documents that are indexed before this queued one; 0 if it is not queued."""
        ...

    async def by_ids(self, ids: Collection[str]) -> dict[str, Document]: ...
    async def of_arxiv(self, arxiv_id: str) -> Document | None:
        """The one that arXiv gave, or described, under this id; not one that merely calls itself so."""
        ...

    async def all_ready(self) -> bool:
        """Whether there are documents, and every one is ready."""
        ...

    async def ids_by_status(self) -> dict[Status, set[str]]: ...
    async def sha256(self, document_id: str) -> str | None: ...
    async def removed_sha256(self) -> set[str]: ...
    async def is_requested(self, document_id: str) -> bool:
        """Whether somebody asked for it, rather than it being found in the folder."""
        ...

    async def samples(self) -> set[str]:
        """Ids of the documents that were added as samples."""
        ...

    async def is_deleted(self, document_id: str) -> bool: ...
    async def remove(self, document_id: str, *, forget: bool = False) -> None:
        """Leaves a tombstone that keeps a folder sync from bringing the document back, unless `forget`."""
        ...

    async def uncleared(self) -> list[Removal]: ...

    async def set_cleared(self, document_id: str, *, forget: bool) -> None:
        """Nothing is left of a removed document; with `forget` its tombstone goes too."""
        ...

    async def list(
        self, *, limit: int, before: str | None, only: Collection[str] | None
    ) -> list[Document]: ...


class IndexingQueue(Protocol):
    """
    The indexings: one for each document in each index. It is the only truth about the work.

    What changes a claimed indexing raises ClaimLost once the claim is void.
    """

    async def queue_unindexed(self) -> int:
        """Queues what some index lacks; says how many indexings that are."""
        ...

    async def requeue_interrupted(self) -> int:
        """Returns everything that is claimed to the queue: for a process that knows itself to be alone."""
        ...

    async def retry_outdated(self, reader: int) -> int:
        """Queues again what another version of the reader failed to read."""
        ...

    async def queue_again(self, document_id: str, stamp: str) -> None: ...
    async def retry(self, document_id: str) -> bool:
        """Queues what failed; False where nothing has."""
        ...

    async def cancel(self, document_id: str, reason: str) -> bool:
        """Ends what has not ended; False where everything has."""
        ...

    async def claim(self, stamps: Collection[str]) -> Claim | None:
        """Takes the next indexing for these indexes, the one that serves first; None if there is none."""
        ...

    async def waiting(self, stamps: Collection[str]) -> int:
        """How many indexings for these indexes could be claimed now."""
        ...

    async def held(self, tokens: Collection[str]) -> set[str]:
        """Which of these claims are still good."""
        ...

    async def renew(self, tokens: Collection[str]) -> None: ...
    async def release(self, claim: Claim) -> None:
        """Gives an indexing back that could not be carried out for no fault of its own."""
        ...

    async def set_reading(self, claim: Claim, reading: Reading, total: int) -> None:
        """Keeps what was read, and how many passages there will be."""
        ...

    async def set_progress(self, claim: Claim, passages: int) -> None: ...
    async def set_ready(self, claim: Claim, passages: int) -> None: ...
    async def set_failed(self, claim: Claim, reason: str, *, reader: int | None) -> None:
        """`reader` is the version that could not read it, if that is why."""
        ...


class IndexRecords(Protocol):
    """Which indexes there are."""

    async def all(self) -> list[IndexRow]: ...
    async def add(self, index: IndexRow) -> None: ...
    async def adopt(self, stamp: str, *, embedder: str, model: str) -> None: ...
    async def drop(self, stamp: str) -> None: ...
    async def switch(self, stamp: str) -> bool:
        """Lets this one serve, and forgets the other; False where documents are not even queued for it."""
        ...

    async def lost(self, *, serving: str, building: str) -> list[str]:
        """Ids of the documents that are ready in the one and have failed in the other."""
        ...

    async def states(self, stamp: str) -> Mapping[Status, int]: ...
    async def ready_passages(self, stamp: str) -> Mapping[str, int]: ...


class PassageSearch(Protocol):
    """Finds passages."""

    async def search(
        self, question: str, *, history: Sequence[str], document_ids: Sequence[str] | None, limit: int
    ) -> list[Found]:
        """`document_ids` None means all documents; it is never empty."""
        ...


class WarmSearch(PassageSearch, Protocol):
    """Loads what it needs ahead of the first question, if asked to."""

    async def warm_up(self) -> None: ...


class LibraryIndexes(PassageSearch, Protocol):
    """All indexes: the one that serves is searched, a document is removed from each."""

    problem: str | None
    """Why the new index does not replace the one that serves."""

    @property
    def outdated(self) -> bool:
        """Whether nothing can be asked until the new index is complete."""
        ...

    async def remove(self, document_id: str) -> None: ...
    async def building(self) -> Mapping[Status, int] | None:
        """How far the index is that is being built beside the one that serves; None if there is none."""
        ...


class Work(Protocol):
    """The indexer, as those see it who bring it work."""

    problem: str | None
    """Why it has paused."""

    def wake(self) -> None: ...


class Folder(Protocol):
    """The papers folder, as far as it is in the library."""

    complete: bool
    """Whether all that was there at the start is taken in."""
    left: int
    """Files that are still to be looked at."""
    problem: str | None
    """Why it could not be looked at."""
