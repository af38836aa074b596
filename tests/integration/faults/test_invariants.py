"""The checker itself: each thing that could be wrong in a home is found by it."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.invariants import ready_documents, violations
from tests.world import add_samples, open_world

Spoil = Callable[[Path], None]


@pytest.fixture
async def home(tmp_path: Path) -> Path:
    """Two indexed samples, one of them deleted again, and a question with its answer."""
    async with open_world(tmp_path / "home") as services:
        first, _ = await add_samples(services)
        conversation = await services.chat.start()
        await (await services.chat.ask(conversation.id, "How is a quotation verified?")).finished()
        await services.library.remove(first.id)
    return tmp_path / "home"


def library(sql: str) -> Spoil:
    return lambda home: change(home / "tunedd.db", sql)


def passages(sql: str) -> Spoil:
    return lambda home: change(home / "passages.db", sql)


def change(file: Path, sql: str) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.executescript(sql)


def remove_originals(home: Path) -> None:
    shutil.rmtree(home / "files")


def leave_a_part(home: Path) -> None:
    (home / "files" / "half.part").touch()


async def test_a_good_home_has_no_violations(home: Path) -> None:
    assert violations(home, settled=True) == []
    assert len(ready_documents(home)) == 1


ONE_MORE = """
    INSERT INTO passages (id, content, meta) SELECT id || '2', content, meta FROM passages LIMIT 1;
    INSERT INTO vectors SELECT max(passages.number), vector FROM passages, vectors LIMIT 1
"""
SPOILT: list[tuple[str, Spoil]] = [
    ("half ready: ", passages("DELETE FROM passages WHERE number = (SELECT max(number) FROM passages)")),
    ("half ready: ", passages("DELETE FROM passages")),
    ("half ready: ", passages("DELETE FROM vectors WHERE number = (SELECT min(number) FROM vectors)")),
    ("half ready: ", library("UPDATE indexings SET passages = passages + 1")),
    ("twice: ", passages(ONE_MORE)),
    ("damage: the full-text index ", passages("INSERT INTO words (words) VALUES ('delete-all')")),
    ("damage: 1 vectors ", passages("UPDATE vectors SET vector = x'00' WHERE number = 8")),
    ("remains: 1 vectors ", passages("INSERT INTO vectors SELECT 99, vector FROM vectors LIMIT 1")),
    ("lost: ", remove_originals),
    ("disorder: ", library("DELETE FROM messages WHERE role = 'assistant'")),
    ("damage: row ", library("UPDATE messages SET conversation_id = 'none'")),
]


@pytest.mark.parametrize(("kind", "spoil"), SPOILT)
async def test_what_is_wrong_at_any_moment_is_found(home: Path, kind: str, spoil: Spoil) -> None:
    spoil(home)
    assert any(one.startswith(kind) for one in violations(home, settled=False))


UNSETTLED: list[tuple[str, Spoil]] = [
    ("stuck: document ", library("UPDATE indexings SET state = 'queued'")),
    ("stuck: message ", library("UPDATE messages SET status = 'running' WHERE role = 'assistant'")),
    ("failed: ", library("UPDATE indexings SET state = 'failed', error = NULL")),
    ("remains: 7 passages ", library("DELETE FROM indexings")),
    ("remains: the removal ", library("UPDATE documents SET cleared_at = NULL")),
    ("remains: pages ", library("UPDATE documents SET deleted_at = '2026-01-01', cleared_at = '2026-01-01'")),
    ("remains: files/half.part ", leave_a_part),
]


@pytest.mark.parametrize(("kind", "spoil"), UNSETTLED)
async def test_what_is_wrong_once_all_is_done_is_found_then(home: Path, kind: str, spoil: Spoil) -> None:
    spoil(home)
    assert violations(home, settled=False) == []
    assert any(one.startswith(kind) for one in violations(home, settled=True))
