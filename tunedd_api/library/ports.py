"""What the library's service needs from the layers around it."""

from collections.abc import Collection, Sequence
from typing import Protocol

from tunedd_api.library.model import Document, Found, Reading, Status


class DocumentRecords(Protocol):
    """Documents and their indexings, kept for good."""

    async def add(self, *, sha256: str, file: str, revive: bool, sample: bool = False) -> Document | None:
        """
        The document with this content, recorded and queued if it is new.

        A deleted one comes back only with `revive`; without it the answer is None.
        """
        ...

    async def get(self, document_id: str) -> Document | None: ...
    async def by_ids(self, ids: Collection[str]) -> dict[str, Document]: ...
    async def ids_by_status(self) -> dict[Status, set[str]]: ...
    async def sha256(self, document_id: str) -> str | None: ...
    async def samples(self) -> set[str]:
        """Ids of the documents that were added as samples."""
        ...

    async def is_deleted(self, document_id: str) -> bool: ...
    async def remove(self, document_id: str) -> None:
        """Leaves a tombstone that keeps a folder sync from bringing the document back."""
        ...

    async def uncleared(self) -> dict[str, str]:
        """Id and SHA-256 of removed documents whose file and passages may still be there."""
        ...

    async def set_cleared(self, document_id: str, *, forget: bool) -> None:
        """Nothing is left of a removed document; with `forget` its tombstone goes too."""
        ...

    async def queue_unindexed(self) -> int:
        """Queues the documents that have no indexing under the present stamp; says how many."""
        ...

    async def claim(self) -> Document | None:
        """Takes the oldest queued indexing and marks it `reading`."""
        ...

    async def set_reading(self, document_id: str, reading: Reading) -> bool:
        """Keeps what was read, marks `embedding`. False: the document was deleted meanwhile."""
        ...

    async def set_progress(self, document_id: str, passages: int) -> None: ...
    async def set_ready(self, document_id: str, passages: int) -> None: ...
    async def set_failed(self, document_id: str, reason: str) -> None: ...
    async def queue_again(self, document_id: str) -> None: ...
    async def requeue_interrupted(self) -> int:
        """Returns what a stopped process left in the middle to the queue."""
        ...

    async def list(
        self, *, limit: int, before: str | None, only: Collection[str] | None
    ) -> list[Document]: ...


class PassageSearch(Protocol):
    """Finds passages."""

    async def search(
        self, question: str, *, history: Sequence[str], document_ids: Sequence[str] | None, limit: int
    ) -> list[Found]:
        """`document_ids` None means all documents; it is never empty."""
        ...


class PassageRemoval(Protocol):
    """Removes the passages of one document."""

    async def remove(self, document_id: str) -> None: ...
