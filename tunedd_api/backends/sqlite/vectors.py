"""All vectors of a passage file as one matrix in memory, beside the passages' ids, in step with the file."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]
FEW = 20_000


@dataclass(frozen=True, kw_only=True)
class Vectors:
    """The vectors of one state of the file, of length one each, in the order of the passages' numbers."""

    numbers: NDArray[np.int64]
    matrix: NDArray[np.float32]
    of_document: Mapping[str, Positions] = field(default_factory=dict)
    ids: Mapping[int, str] = field(default_factory=dict)
    """Of all passages, by number, those without a vector too."""
    sections: Mapping[str, str | None] = field(default_factory=dict)
    """By id. With `ids` some 300 bytes a passage, beside the 1,536 of its vector."""
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
        # Row by row: the product of a matrix spreads over threads, which spin long after such small work.
        scores = np.vecdot(matrix, query)
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
            last, rewrites = _state(connection)
            known = self._vectors
            if known is None or known.rewrites != rewrites or known.last > last:
                known = _load(connection, after=0, last=last, rewrites=rewrites)
            elif known.last != last:
                known = _joined(known, _load(connection, after=known.last, last=last, rewrites=rewrites))
            self._vectors = known
            return known

    def is_at_hand(self, connection: sqlite3.Connection) -> bool:
        """Whether the next look reads nothing, and to compare all vectors takes about a millisecond."""
        known = self._vectors
        return (
            known is not None
            and (known.last, known.rewrites) == _state(connection)
            and len(known.numbers) <= FEW
        )


def _state(connection: sqlite3.Connection) -> tuple[int, int]:
    last, rewrites = connection.execute(
        """
        SELECT ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'passages'), 0),
            (SELECT value FROM properties WHERE name = 'rewrites')
        """
    ).fetchone()
    return last, rewrites


def unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scaled to length one along the last axis; zero stays zero."""
    lengths = np.linalg.norm(vector, axis=-1, keepdims=True)
    return np.asarray(vector / np.maximum(lengths, 1e-12), dtype=np.float32)


def _load(connection: sqlite3.Connection, *, after: int, last: int, rewrites: int) -> Vectors:
    rows = connection.execute(
        "SELECT number, vector FROM vectors WHERE number > ? ORDER BY number", (after,)
    ).fetchall()
    matrix = np.frombuffer(b"".join(vector for _, vector in rows), dtype=np.float32)
    passages = connection.execute(
        """
        SELECT number, id, CASE WHEN typeof(document_id) = 'text' THEN document_id END,
            json_extract(meta, '$.section')
        FROM passages WHERE number > ?
        """,
        (after,),
    ).fetchall()
    place_of = {number: place for place, (number, _) in enumerate(rows)}
    places: dict[str, list[int]] = {}
    for number, _, document_id, _ in passages:
        if document_id is not None and number in place_of:
            places.setdefault(document_id, []).append(place_of[number])
    return Vectors(
        numbers=np.array(list(place_of), dtype=np.int64),
        matrix=unit(matrix.reshape(len(rows), -1)) if rows else np.zeros((0, 0), dtype=np.float32),
        of_document={one: np.array(sorted(at), dtype=np.int64) for one, at in places.items()},
        ids={number: one for number, one, _, _ in passages},
        sections=_shared({one: section for _, one, _, section in passages}),
        last=last,
        rewrites=rewrites,
    )


def _shared(sections: dict[str, object]) -> dict[str, str | None]:
    """One text for all passages of a section."""
    texts: dict[object, str | None] = {}
    return {
        one: texts.setdefault(section, section if isinstance(section, str) else None)
        for one, section in sections.items()
    }


def _joined(known: Vectors, added: Vectors) -> Vectors:
    of_document = dict(known.of_document)
    for one, places in added.of_document.items():
        before = of_document.get(one, np.zeros(0, dtype=np.int64))
        of_document[one] = np.concatenate([before, places + len(known.numbers)])
    filled = [part.matrix for part in (known, added) if len(part.numbers)]
    return Vectors(
        numbers=np.concatenate([known.numbers, added.numbers]),
        matrix=np.concatenate(filled) if filled else known.matrix,
        of_document=of_document,
        ids={**known.ids, **added.ids},
        sections={**known.sections, **added.sections},
        last=added.last,
        rewrites=added.rewrites,
    )
