"""What must hold in a home whatever was killed: looked at on a copy of its files, told as sentences."""

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.stored_passages import misplaced_passages, misstored_documents

Rows = list[tuple[object, ...]]


def violations(home: Path, *, settled: bool) -> list[str]:
    """
    What is wrong in a home in which nothing writes, each as `kind: sentence`.

    Some holds at every moment, so also right after a kill. The rest holds once a service has started there
    and has nothing left to do: then `settled`.
    """
    with copied(home) as (library, stores):
        found = [said for database in (library, *stores) for said in _damage(database)]
        if found:
            return found
        found += [*misstored_documents(library, stores), *_lost_originals(home, library)]
        found += _disordered_messages(library)
        if settled:
            found += [*misplaced_passages(library, stores), *_unfinished(library)]
            found += [*_remains_of_deleted(library), *_stray_files(home, library)]
    return found


def ready_documents(home: Path) -> set[str]:
    """Ids of the documents that a stopped service had called ready, in every index that it had."""
    with copied(home) as (library, _):
        sql = """
            SELECT document_id FROM indexings JOIN documents ON id = document_id
            WHERE deleted_at IS NULL GROUP BY document_id HAVING min(state = 'ready')
        """
        return {str(row[0]) for row in library.execute(sql)}


@contextmanager
def copied(home: Path) -> Iterator[tuple[sqlite3.Connection, list[sqlite3.Connection]]]:
    """
    The library's database, and the passage stores: one for each index.

    A copy, since opening the files themselves would already repair what the service has to.
    """
    with TemporaryDirectory() as folder, ExitStack() as stack:
        for file in [*home.glob("*.db"), *home.glob("*.db-wal")]:
            shutil.copy(file, folder)
        library, *stores = (
            stack.enter_context(closing(sqlite3.connect(file)))
            for file in (Path(folder, "tunedd.db"), *sorted(Path(folder).glob("passages*.db")))
        )
        yield library, stores


def _damage(database: sqlite3.Connection) -> Iterator[str]:
    for (said,) in database.execute("PRAGMA integrity_check"):
        if said != "ok":
            yield f"damage: {said}."
    for table, row, parent, _ in database.execute("PRAGMA foreign_key_check"):
        yield f"damage: row {row} of {table} names a row of {parent} that is not there."


def _lost_originals(home: Path, library: sqlite3.Connection) -> Iterator[str]:
    for id, sha256 in library.execute("SELECT id, sha256 FROM documents WHERE deleted_at IS NULL"):
        file = home / "files" / f"{sha256}.pdf"
        if not file.exists():
            yield f"lost: the file of document {id} is gone."
        elif hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
            yield f"lost: the file of document {id} has another content."


def _disordered_messages(library: sqlite3.Connection) -> Iterator[str]:
    sql = "SELECT conversation_id, position, role FROM messages ORDER BY conversation_id, position"
    turns: dict[str, list[tuple[int, str]]] = {}
    for conversation, position, role in library.execute(sql):
        turns.setdefault(conversation, []).append((position, role))
    for conversation, messages in turns.items():
        expected = [(position, ("user", "assistant")[position % 2]) for position in range(len(messages))]
        if messages != expected or len(messages) % 2:
            yield f"disorder: conversation {conversation} is no row of questions and answers: {messages}."


def _unfinished(library: sqlite3.Connection) -> Iterator[str]:
    sql = "SELECT document_id, state FROM indexings WHERE state NOT IN ('ready', 'failed')"
    for id, state in library.execute(sql):
        yield f"stuck: document {id} is still {state}."
    sql = "SELECT document_id FROM indexings WHERE state = 'failed' AND coalesce(error, '') = ''"
    for (id,) in library.execute(sql):
        yield f"failed: document {id} failed without a reason."
    for (id,) in library.execute("SELECT id FROM messages WHERE status = 'running'"):
        yield f"stuck: message {id} is still running."


def _remains_of_deleted(library: sqlite3.Connection) -> Iterator[str]:
    sql = "SELECT id FROM documents WHERE deleted_at IS NOT NULL AND cleared_at IS NULL"
    for (id,) in library.execute(sql):
        yield f"remains: the removal of document {id} was not finished."
    for table in ("indexings", "pages"):
        sql = f"""
            SELECT DISTINCT document_id FROM {table} JOIN documents ON id = document_id
            WHERE deleted_at IS NOT NULL
        """
        for (id,) in library.execute(sql):
            yield f"remains: {table} still holds the deleted document {id}."


def _stray_files(home: Path, library: sqlite3.Connection) -> Iterator[str]:
    sql = "SELECT sha256 || '.pdf' FROM documents GROUP BY sha256 HAVING count(*) = count(deleted_at)"
    deleted = {row[0] for row in library.execute(sql)}
    for file in sorted((home / "files").glob("*")):
        # A whole copy that no document knows may belong to one of a database that was put away.
        if file.name in deleted or file.suffix != ".pdf":
            yield f"remains: {file.relative_to(home)} belongs to no document."
    places = {place for (place,) in library.execute("SELECT place FROM indexes")}
    named = {f"passages.{place}.db" if place else "passages.db" for place in places}
    for file in sorted(home.glob("passages*.db")):
        if file.name not in named:
            yield f"remains: {file.name} belongs to no index."
