"""`tunedd papers add`, run as a person runs it, against a stand-in for arXiv."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.arxiv import publish
from tests.file_server import FileServer, serve_files
from tests.unit.test_command_line import tunedd

ID = "2402.03578v1"


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_files() as server:
        yield server


def test_papers_are_added_and_one_that_cannot_be_had_leaves_the_others(
    server: FileServer, tmp_path: Path
) -> None:
    publish(server, ID)
    ended = tunedd(tmp_path, "papers", "add", "no id", "math/0309136v9", ID, TUNEDD_ARXIV_URL=server.url(""))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "no id: Not an arXiv id" in ended.stderr
    assert "math/0309136v9: arXiv has no" in ended.stderr
    assert f"{ID}.pdf: 1 pages, 1 passages" in ended.stderr
    assert "Traceback" not in ended.stderr
    (hit,) = json.loads(tunedd(tmp_path, "search", "agents", "--json").stdout)
    assert hit["title"] == "LLM Multi-Agent Systems: Challenges and Open Problems"


def test_a_paper_that_is_there_is_not_fetched_again(server: FileServer, tmp_path: Path) -> None:
    publish(server, ID)
    for _ in range(2):
        ended = tunedd(tmp_path, "papers", "add", ID, f"arXiv:{ID}", TUNEDD_ARXIV_URL=server.url(""))
        assert ended.returncode == 0, ended.stderr
    assert [seen.path for seen in server.seen] == ["/api/query", f"/pdf/{ID}"]


def test_an_address_that_is_none_is_said(tmp_path: Path) -> None:
    ended = tunedd(tmp_path, "papers", "add", ID, TUNEDD_ARXIV_URL="file:///etc")
    assert ended.returncode == 2
    assert ended.stderr.startswith("TUNEDD_ARXIV_URL: ")
