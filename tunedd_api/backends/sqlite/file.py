"""The SQLite file that holds passages: its schema, and connections for many readers beside one writer."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from tunedd_api.backends.sqlite.driver import failure, statements
from tunedd_api.backends.sqlite.filters import moment
from tunedd_api.errors import SetupError

IN_MEMORY = ":memory:"
VERSION = 1
"""Written to the file. Another number means another program wrote it."""
ADVICE = "Delete it and start again; the passages are then indexed anew."
BUSY_SECONDS = 30.0
"""How long a write waits for another process that is writing."""
SCHEMA = """
CREATE TABLE properties (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO properties VALUES ('rewrites', 0);
CREATE TABLE passages (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    content TEXT,
    meta TEXT NOT NULL,
    attachments TEXT,
    title GENERATED ALWAYS AS (json_extract(meta, '$.title')) VIRTUAL,
    document_id GENERATED ALWAYS AS (json_extract(meta, '$.document_id')) VIRTUAL
);
CREATE INDEX passages_of_document ON passages (document_id);
CREATE TABLE vectors (number INTEGER PRIMARY KEY, vector BLOB NOT NULL);
CREATE VIRTUAL TABLE words USING fts5 (
    title, content, content = 'passages', content_rowid = 'number',
    tokenize = 'porter unicode61 remove_diacritics 2'
);
CREATE TRIGGER passage_added AFTER INSERT ON passages BEGIN
    INSERT INTO words (rowid, title, content) VALUES (new.number, new.title, new.content);
END;
CREATE TRIGGER passage_removed AFTER DELETE ON passages BEGIN
    INSERT INTO words (words, rowid, title, content) VALUES ('delete', old.number, old.title, old.content);
    DELETE FROM vectors WHERE number = old.number;
END;
CREATE TRIGGER passage_changed AFTER UPDATE ON passages BEGIN
    INSERT INTO words (words, rowid, title, content) VALUES ('delete', old.number, old.title, old.content);
    INSERT INTO words (rowid, title, content) VALUES (new.number, new.title, new.content);
END;
"""


class OtherVersion(SetupError):
    """The passages were written by another version of this service. Delete their file: it is made again."""


class PassageFile:
    """Lends connections: `reading` sees one unchanging state, `writing` commits when its block ends well."""

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self._idle: list[sqlite3.Connection] = []
        self._pool = Lock()
        self._writer = Lock()
        self._is_created = False
        self._closings = 0

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        with self._writer, self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    def close(self) -> None:
        """Lent connections close when they come back. Another use opens the file again; memory is lost."""
        with self._pool:
            self._closings += 1
            while self._idle:
                self._idle.pop().close()
            self._is_created = False

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        try:
            with self._lent() as connection, _rolling_back(connection):
                connection.execute(begin)
                yield connection
                connection.commit()
        except sqlite3.Error as error:
            if meant := failure(error, file=self.path, advice=ADVICE):
                raise meant from error
            raise

    @contextmanager
    def _lent(self) -> Iterator[sqlite3.Connection]:
        if self.path == IN_MEMORY:
            # A database in memory is its connection, so all take turns.
            with self._pool:
                if not self._idle:
                    self._idle.append(self._open())
                yield self._idle[0]
            return
        with self._pool:
            connection = self._idle.pop() if self._idle else self._open()
            closings = self._closings
        try:
            yield connection
        finally:
            with self._pool:
                if closings == self._closings:
                    self._idle.append(connection)
                else:
                    connection.close()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.create_function("moment", 1, moment, deterministic=True)
            if not self._is_created:
                self._create(connection)
                self._is_created = True
            connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _create(self, connection: sqlite3.Connection) -> None:
        if _version(connection) == 0:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            if _version(connection) == 0:  # Another process may have been quicker.
                for statement in statements(SCHEMA):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.commit()
        if _version(connection) != VERSION:
            raise OtherVersion


@contextmanager
def _rolling_back(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.rollback()
        raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
