"""Do the passage stores hold exactly what the library says? All as open databases, copied while quiet."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Stores = Sequence[sqlite3.Connection]
FLOAT = 4
"""Bytes of a number in a stored vector."""
GROUPED = """
    SELECT document_id, json_extract(meta, '$.stamp'), count(*), min(json_extract(meta, '$.position')),
        max(json_extract(meta, '$.position')), count(DISTINCT json_extract(meta, '$.position')), count(vector)
    FROM passages LEFT JOIN vectors USING (number) GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Stored:
    """The passages of one document under one stamp."""

    count: int
    first: int
    last: int
    positions: int
    vectors: int

    @property
    def whole(self) -> bool:
        """Every position from 0 once, each with a vector."""
        return (self.first, self.last) == (0, self.count - 1) and (
            self.positions == self.vectors == self.count
        )


def misstored_documents(library: sqlite3.Connection, stores: Stores) -> Iterator[str]:
    """Holds at every moment: what is called ready is whole, nothing is there twice, words match texts."""
    stored = _stored(stores)
    sql = """
        SELECT document_id, stamp, passages FROM indexings JOIN documents ON id = document_id
        WHERE state = 'ready' AND deleted_at IS NULL
    """
    for id, stamp, count in library.execute(sql):
        found = stored.get((id, stamp))
        if found is None:
            yield f"half ready: document {id} is called ready and has no passage in the store."
        elif found.count != count or not found.whole:
            yield f"half ready: document {id} is called ready with {count} passages, but there is {found}."
    for (id, _), found in stored.items():
        if found.positions != found.count:
            yield f"twice: document {id} has {found.count} passages for {found.positions} positions."
    for passages in stores:
        yield from _broken_index(passages)


def misplaced_passages(library: sqlite3.Connection, stores: Stores) -> Iterator[str]:
    """Holds when nothing is left to do: no passage without a ready indexing."""
    sql = """
        SELECT document_id, stamp FROM indexings JOIN documents ON id = document_id
        WHERE state = 'ready' AND deleted_at IS NULL
    """
    ready = set(library.execute(sql))
    for (id, stamp), found in _stored(stores).items():
        if (id, stamp) not in ready:
            yield f"remains: {found.count} passages of document {id} ({stamp}), which is not ready."


def _stored(stores: Stores) -> dict[tuple[str, str], Stored]:
    """By document and stamp, which is that of one index and so of one store."""
    return {
        (id, stamp): Stored(*numbers)
        for passages in stores
        if _made(passages)
        for id, stamp, *numbers in passages.execute(GROUPED)
    }


def _made(passages: sqlite3.Connection) -> bool:
    """A service that was killed at its very first start has not made the tables yet."""
    return bool(passages.execute("SELECT 1 FROM sqlite_schema WHERE name = 'passages'").fetchone())


def _broken_index(passages: sqlite3.Connection) -> Iterator[str]:
    if not _made(passages):
        return
    sql = "SELECT count(*) FROM vectors WHERE number NOT IN (SELECT number FROM passages)"
    if orphans := passages.execute(sql).fetchone()[0]:
        yield f"remains: {orphans} vectors belong to no passage."
    dimension = passages.execute("SELECT value FROM properties WHERE name = 'dimension'").fetchone()
    if dimension:
        sql = "SELECT count(*) FROM vectors WHERE length(vector) != ? OR vector = zeroblob(?)"
        size = dimension[0] * FLOAT
        if short := passages.execute(sql, (size, size)).fetchone()[0]:
            yield f"damage: {short} vectors are empty or not of {dimension[0]} numbers."
    try:
        # With rank 1 it compares the words with the texts that they were taken from.
        passages.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
    except sqlite3.DatabaseError as error:
        yield f"damage: the full-text index does not match the passages ({error})."
