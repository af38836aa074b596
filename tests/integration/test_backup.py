"""Backup and restore, by the commands of docs/operations.md: what was stored is there in a new home."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.servers.finding import absent
from tests.servers.postgres import fresh_database
from tests.serving import Service, serving
from tests.world import SAMPLES

WEIGHTLESS = {"TUNEDD_EMBEDDING_MODEL": "mock:", "TUNEDD_CHAT_MODEL": "echo:"}
QUESTION = "How is a quote verified?"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a user of the service can see."""

    conversations: list[Any]
    history: list[Any]
    documents: list[Any]
    hits: list[tuple[str, int, str]]
    files: list[bytes]


def seen(service: Service) -> Seen:
    service.get_ready()
    get = service.client.get
    conversations = get("/conversations").json()
    documents = get("/documents").json()
    hits = get("/search", params={"q": QUESTION}).json()
    return Seen(
        conversations=conversations,
        history=get(f"/conversations/{conversations[0]['id']}/messages").json(),
        documents=documents,
        hits=[(hit["document_id"], hit["page"], hit["text"]) for hit in hits],
        files=[get(f"/documents/{one['id']}/file").content for one in documents],
    )


def fill(service: Service) -> None:
    """One conversation with an answer, documents from the folder and one that was removed."""
    service.get_ready()
    conversation = service.client.post("/conversations", json={}).json()["id"]
    assert service.ask(conversation, QUESTION)[-1][0] == "done"
    service.client.delete(f"/documents/{service.client.get('/documents').json()[0]['id']}")


def copy_with_sqlite3(database: Path, copy: Path) -> None:
    if shutil.which("sqlite3") is None:
        pytest.skip("no sqlite3 on the PATH")
    subprocess.run(["sqlite3", str(database), f".backup '{copy}'"], check=True)


def copy_with_python(database: Path, copy: Path) -> None:
    code = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).backup(sqlite3.connect(sys.argv[2]))"
    subprocess.run([sys.executable, "-c", code, str(database), str(copy)], check=True)


@pytest.mark.parametrize("copied", [copy_with_sqlite3, copy_with_python])
def test_a_home_is_backed_up_while_the_service_runs_and_restored(
    tmp_path: Path, copied: Callable[[Path, Path], None]
) -> None:
    home, restored, papers = tmp_path / "home", tmp_path / "restored", _papers(tmp_path)
    with serving(home, papers, tmp_path, **WEIGHTLESS) as service:
        fill(service)
        before = seen(service)
        restored.mkdir()
        copied(home / "tunedd.db", restored / "tunedd.db")
        shutil.copytree(home / "files", restored / "files")
    assert not (restored / "passages.db").exists()
    with serving(restored, papers, tmp_path, **WEIGHTLESS) as service:
        assert seen(service) == before
        # The tombstone came along: the folder still holds the removed paper.
        assert len(before.documents) == len(list(papers.iterdir())) - 1


def test_postgresql_is_backed_up_while_the_service_runs_and_restored(
    tmp_path: Path, postgres_server: str
) -> None:
    if shutil.which("pg_dump") is None or shutil.which("pg_restore") is None:
        absent("postgres", "no pg_dump and pg_restore on the PATH")
    home, restored, papers = tmp_path / "home", tmp_path / "restored", _papers(tmp_path)
    dump = tmp_path / "tunedd.dump"
    with fresh_database(postgres_server) as source, fresh_database(postgres_server) as target:
        with serving(home, papers, tmp_path, TUNEDD_DATABASE_URL=source, **WEIGHTLESS) as service:
            fill(service)
            before = seen(service)
            subprocess.run(["pg_dump", "--format=custom", f"--file={dump}", source], check=True)
            shutil.copytree(home / "files", restored / "files")
        restore = ["pg_restore", "--exit-on-error", "--no-owner", f"--dbname={target}", str(dump)]
        subprocess.run(restore, check=True)
        with serving(restored, papers, tmp_path, TUNEDD_DATABASE_URL=target, **WEIGHTLESS) as service:
            assert seen(service) == before


def _papers(tmp_path: Path) -> Path:
    papers = tmp_path / "papers"
    shutil.copytree(SAMPLES, papers, ignore=lambda _, names: [one for one in names if ".pdf" not in one])
    return papers
