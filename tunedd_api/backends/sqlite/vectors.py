"""All vectors of a passage file as one matrix in memory, kept in step with the file."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Vectors:
    """The vectors of one state of the file, of length one each, in the order of the passages' numbers."""

    numbers: NDArray[np.int64]
    matrix: NDArray[np.float32]
    of_document: Mapping[str, Positions] = field(default_factory=dict)
    last: int
    """Highest number ever given to a passage of the file."""
    rewrites: int
    """How often passages were removed or changed."""

    def positions_of(self, document_ids: Iterable[str]) -> Positions:
        found = [self.of_document[one] for one in dict.fromkeys(document_ids) if one in self.of_document]
        return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)

    def positions_at(self, numbers: Iterable[int]) -> Positions:
        return np.flatnonzero(np.isin(self.numbers, np.fromiter(numbers, dtype=np.int64)))

    def nearest(
        self, query: NDArray[np.float32], count: int, among: Positions | None
    ) -> list[tuple[int, float]]:
        """Passage number and cosine of the nearest, best first."""
        matrix = self.matrix if among is None else self.matrix[among]
        scores = matrix @ query
        best = np.argpartition(-scores, count)[:count] if count < len(scores) else np.arange(len(scores))
        best = best[np.lexsort((best, -scores[best]))]
        places = best if among is None else among[best]
        return list(zip(self.numbers[places].tolist(), scores[best].tolist(), strict=True))


class VectorMatrix:
    """Reads only what was added since the last look; everything again after a removal or a change."""

    def __init__(self) -> None:
        self._refreshing = Lock()
        self._vectors: Vectors | None = None

    def look(self, connection: sqlite3.Connection) -> Vectors:
        """The vectors as the connection's transaction sees them, or a newer state."""
        with self._refreshing:
            last, rewrites = connection.execute(
                """
                SELECT ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'passages'), 0),
                    (SELECT value FROM properties WHERE name = 'rewrites')
                """
            ).fetchone()
            known = self._vectors
            if known is None or known.rewrites != rewrites or known.last > last:
                known = _load(connection, after=0, last=last, rewrites=rewrites)
            elif known.last != last:
                known = _joined(known, _load(connection, after=known.last, last=last, rewrites=rewrites))
            self._vectors = known
            return known


def unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scaled to length one along the last axis; zero stays zero."""
    lengths = np.linalg.norm(vector, axis=-1, keepdims=True)
    return np.asarray(vector / np.maximum(lengths, 1e-12), dtype=np.float32)


def _load(connection: sqlite3.Connection, *, after: int, last: int, rewrites: int) -> Vectors:
    rows = connection.execute(
        "SELECT number, vector FROM vectors WHERE number > ? ORDER BY number", (after,)
    ).fetchall()
    numbers = np.array([number for number, _ in rows], dtype=np.int64)
    matrix = np.frombuffer(b"".join(vector for _, vector in rows), dtype=np.float32)
    documents = connection.execute(
        "SELECT document_id, number FROM passages WHERE number > ? AND typeof(document_id) = 'text'", (after,)
    )
    places: dict[str, list[int]] = {}
    place_of = {number: place for place, (number, _) in enumerate(rows)}
    for document_id, number in documents:
        if number in place_of:
            places.setdefault(document_id, []).append(place_of[number])
    return Vectors(
        numbers=numbers,
        matrix=unit(matrix.reshape(len(rows), -1)) if rows else np.zeros((0, 0), dtype=np.float32),
        of_document={one: np.array(sorted(at), dtype=np.int64) for one, at in places.items()},
        last=last,
        rewrites=rewrites,
    )


def _joined(known: Vectors, added: Vectors) -> Vectors:
    if not len(known.numbers) or not len(added.numbers):
        whole = known if len(known.numbers) else added
        return Vectors(
            numbers=whole.numbers,
            matrix=whole.matrix,
            of_document=whole.of_document,
            last=added.last,
            rewrites=added.rewrites,
        )
    of_document = dict(known.of_document)
    for one, places in added.of_document.items():
        before = of_document.get(one, np.zeros(0, dtype=np.int64))
        of_document[one] = np.concatenate([before, places + len(known.numbers)])
    return Vectors(
        numbers=np.concatenate([known.numbers, added.numbers]),
        matrix=np.concatenate([known.matrix, added.matrix]),
        of_document=of_document,
        last=added.last,
        rewrites=added.rewrites,
    )
