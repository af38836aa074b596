"""Passages as rows: Haystack's documents written to the SQLite file, found there, and read back."""

import json
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from haystack import Document as HaystackDocument
from haystack.dataclasses import ByteStream, SparseEmbedding
from haystack.document_stores.errors import DuplicateDocumentError
from haystack.document_stores.types import DuplicatePolicy

COLUMNS = "number, id, content, meta, attachments"
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""As JSON writes it: behind an odd number of backslashes."""


def without_duplicates(
    connection: sqlite3.Connection, documents: Iterable[HaystackDocument], policy: DuplicatePolicy
) -> list[HaystackDocument]:
    """What to insert. For OVERWRITE the older ones are removed here."""
    new: dict[str, HaystackDocument] = {}
    sql = "SELECT 1 FROM passages WHERE id = ?"
    known = {one.id for one in documents if connection.execute(sql, (one.id,)).fetchone()}
    for one in documents:
        if one.id in known or one.id in new:
            if policy == DuplicatePolicy.SKIP:
                continue
            if policy != DuplicatePolicy.OVERWRITE:
                raise DuplicateDocumentError(f"ID '{one.id}' already exists.")
        new[one.id] = one
    if known and policy == DuplicatePolicy.OVERWRITE:
        delete_by_id(connection, known)
    return list(new.values())


def insert(connection: sqlite3.Connection, documents: Sequence[HaystackDocument]) -> None:
    sql = "SELECT ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'passages'), 0)"
    first = connection.execute(sql).fetchone()[0] + 1
    connection.executemany(
        f"INSERT INTO passages ({COLUMNS}) VALUES (?, ?, ?, ?, ?)",
        [
            (number, one.id, one.content, to_json(one.meta), _attachments(one))
            for number, one in enumerate(documents, first)
        ],
    )
    connection.executemany(
        "INSERT INTO vectors VALUES (?, ?)",
        [
            (number, np.asarray(one.embedding, dtype=np.float32).tobytes())
            for number, one in enumerate(documents, first)
            if one.embedding is not None
        ],
    )


def delete_by_id(connection: sqlite3.Connection, ids: Iterable[str]) -> None:
    sql = "DELETE FROM passages WHERE id = ?"
    if connection.executemany(sql, [(one,) for one in ids]).rowcount:
        note_rewrite(connection)


def delete(connection: sqlite3.Connection, where: str, parameters: Sequence[Any]) -> int:
    deleted = connection.execute(f"DELETE FROM passages WHERE {where}", parameters).rowcount
    if deleted:
        note_rewrite(connection)
    return deleted


def note_rewrite(connection: sqlite3.Connection) -> None:
    """Tells every matrix in memory, in this process and others, that adding the new is not enough."""
    connection.execute("UPDATE properties SET value = value + 1 WHERE name = 'rewrites'")


def fetch(
    connection: sqlite3.Connection, scored: Sequence[tuple[int, float]], *, return_embedding: bool
) -> list[HaystackDocument]:
    vector = "vector" if return_embedding else "NULL"
    join = "LEFT JOIN vectors USING (number)" if return_embedding else ""
    sql = f"SELECT {COLUMNS}, {vector} FROM passages {join} WHERE number IN (SELECT value FROM json_each(?))"
    rows = {row[0]: row for row in connection.execute(sql, (json.dumps([number for number, _ in scored]),))}
    return [passage_of(rows[number], score) for number, score in scored if number in rows]


def fetch_by_id(connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, HaystackDocument]:
    sql = f"SELECT {COLUMNS}, NULL FROM passages WHERE id IN (SELECT value FROM json_each(?))"
    found = map(passage_of, connection.execute(sql, (json.dumps(ids),)))
    return {one.id: one for one in found}


def passage_of(row: tuple[Any, ...], score: float | None = None) -> HaystackDocument:
    _, one, content, meta, attachments, vector = row
    kept: Mapping[str, Any] = json.loads(attachments) if attachments else {}
    return HaystackDocument(
        id=one,
        content=content,
        meta=json.loads(meta),
        blob=ByteStream.from_dict(kept["blob"]) if kept.get("blob") else None,
        sparse_embedding=SparseEmbedding.from_dict(kept["sparse"]) if kept.get("sparse") else None,
        embedding=np.frombuffer(vector, dtype=np.float32).tolist() if vector is not None else None,
        score=score,
    )


def to_json(value: Mapping[str, Any]) -> str:
    """Raises ValueError for what cannot be kept: infinity, and NUL, where SQLite's JSON ends a text."""
    text = json.dumps(value, allow_nan=False)
    if NUL.search(text):
        raise ValueError("The meta of a passage may not hold the character NUL, not even as JSON")
    return text


def _attachments(document: HaystackDocument) -> str | None:
    kept = {"blob": document.blob, "sparse": document.sparse_embedding}
    present = {name: value.to_dict() for name, value in kept.items() if value is not None}
    return to_json(present) if present else None
