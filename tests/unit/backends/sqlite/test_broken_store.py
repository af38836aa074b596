"""Files that are no passage store, or not one of this version, are told of in a sentence."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tunedd_api.backends.sqlite.driver import DamagedFile
from tunedd_api.backends.sqlite.file import OtherVersion, PassageFile
from tunedd_api.backends.sqlite.store import SQLiteDocumentStore
from tunedd_api.errors import StoreUnavailable


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "passages.db"


def test_a_damaged_file_is_a_sentence_and_not_a_traceback_of_sqlite(path: Path) -> None:
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(DamagedFile, match="Delete it"):
        SQLiteDocumentStore(path).count_documents()


def test_a_file_that_was_replaced_while_it_is_read_is_told_of_and_let_go_of(path: Path) -> None:
    """Python 3.13 and later warn about a connection that is dropped rather than closed."""
    file = PassageFile(path)
    with file.reading():
        for ending in ("", "-wal", "-shm"):
            Path(f"{path}{ending}").unlink()
        path.write_bytes(b"this is no database" * 100)
        with pytest.raises(DamagedFile, match="Delete it"), file.reading():
            pass
    file.close()


def test_a_connection_that_is_lent_while_the_file_closes_is_closed_when_it_comes_back(path: Path) -> None:
    file = PassageFile(path)
    with file.reading() as lent:
        file.close()
        assert lent.execute("SELECT count(*) FROM passages").fetchone() == (0,)
    with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
        lent.execute("SELECT 1")


def test_a_file_of_another_version_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version = 99")
    with pytest.raises(OtherVersion):
        SQLiteDocumentStore(path).count_documents()


def test_a_folder_that_is_not_there_makes_the_store_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        SQLiteDocumentStore(tmp_path / "missing" / "passages.db").count_documents()
