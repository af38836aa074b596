"""Files that are no passage store, or not one of this version, are told of in a sentence."""

import sqlite3
from pathlib import Path

import pytest

from tunedd_api.backends.sqlite.driver import DamagedFile
from tunedd_api.backends.sqlite.file import OtherVersion
from tunedd_api.backends.sqlite.store import SQLiteDocumentStore
from tunedd_api.errors import StoreUnavailable


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "passages.db"


def test_a_damaged_file_is_a_sentence_and_not_a_traceback_of_sqlite(path: Path) -> None:
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(DamagedFile, match="Delete it"):
        SQLiteDocumentStore(path).count_documents()


def test_a_file_of_another_version_is_refused(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(OtherVersion):
        SQLiteDocumentStore(path).count_documents()


def test_a_folder_that_is_not_there_makes_the_store_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        SQLiteDocumentStore(tmp_path / "missing" / "passages.db").count_documents()
