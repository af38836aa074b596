"""The command line, run as a person runs it; models without weights."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.world import ROOT, SAMPLES

PDFS = sorted(SAMPLES.glob("*.pdf"))


def tunedd(home: Path, *arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TUNEDD_")}
    environment |= {
        "TUNEDD_HOME": str(home / "home"),
        "TUNEDD_PAPERS": str(home / "papers"),
        "TUNEDD_EMBEDDING_MODEL": "mock:",
        "TUNEDD_CHAT_MODEL": "echo:",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "tunedd_api", *map(str, arguments)]
    return subprocess.run(
        command,
        env=environment | settings,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_papers_are_indexed_searched_and_asked(tmp_path: Path) -> None:
    indexed = tunedd(tmp_path, "index", SAMPLES)
    assert indexed.returncode == 0, indexed.stderr
    assert indexed.stdout == ""
    assert indexed.stderr.count("passages") == len(PDFS)

    found = tunedd(tmp_path, "search", "How is a quotation verified?", "--json", "--limit", "3")
    hits = json.loads(found.stdout)
    assert len(hits) == 3
    assert {"document_id", "file", "title", "page", "text", "score"} <= set(hits[0])

    chosen = hits[0]["document_id"]
    limited = tunedd(tmp_path, "search", "retrieval", "--document", chosen, "--json")
    assert {hit["document_id"] for hit in json.loads(limited.stdout)} == {chosen}

    shown = tunedd(tmp_path, "search", "How is a quotation verified?")
    assert f"{hits[0]['title']}, page {hits[0]['page']}" in shown.stdout

    message = json.loads(tunedd(tmp_path, "ask", "How is a quotation verified?", "--json").stdout)
    assert message["status"] == "complete"
    assert message["sources"]

    aloud = tunedd(tmp_path, "ask", "How is a quotation verified?")
    assert "How is a quotation verified?" in aloud.stdout
    assert f"[1] {message['sources'][0]['title']}" in aloud.stderr


def test_without_a_path_the_papers_folder_is_taken_in_as_the_service_does(tmp_path: Path) -> None:
    papers = tmp_path / "papers"
    papers.mkdir()
    paper = shutil.copy(PDFS[0], papers / "paper.pdf")
    first = tunedd(tmp_path, "index")
    assert (first.returncode, first.stderr) == (0, "Documents ready: 1, failed: 0.\n")
    shutil.copy(PDFS[1], paper)
    # The document of a file that changed is replaced: nobody asked for it but the folder.
    assert tunedd(tmp_path, "index").stderr == "Documents ready: 1, failed: 0.\n"
    (papers / "bad.pdf").write_bytes(b"%PDF-1.7 nothing more")
    again = tunedd(tmp_path, "index")
    assert (again.returncode, "ready: 1, failed: 1" in again.stderr) == (1, True)


def test_a_folder_that_is_not_taken_in_whole_is_a_failure(tmp_path: Path) -> None:
    papers = tmp_path / "papers"
    papers.mkdir()
    shutil.copy(PDFS[0], papers / "paper.pdf")
    (papers / "text.pdf").write_text("no PDF at all")
    skipped = tunedd(tmp_path, "index")
    assert (skipped.returncode, "Documents ready: 1, failed: 0." in skipped.stderr) == (1, True)
    assert "text.pdf" in skipped.stderr
    papers.rename(tmp_path / "elsewhere")
    away = tunedd(tmp_path, "index")
    assert (away.returncode, "TUNEDD_PAPERS" in away.stderr) == (1, True)


def test_a_bad_file_is_told_of_and_the_others_are_indexed(tmp_path: Path) -> None:
    bad = tmp_path / "bad.pdf"
    bad.write_bytes(b"%PDF-1.7 nothing more")
    text = tmp_path / "text.pdf"
    text.write_text("no PDF at all")
    ended = tunedd(tmp_path, "index", bad, text, PDFS[0])
    assert ended.returncode == 1
    assert "text.pdf is not a PDF" in ended.stderr
    assert f"{PDFS[0].name}: 2 pages" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_what_is_wrong_is_one_sentence(tmp_path: Path) -> None:
    nothing = tunedd(tmp_path, "search", "anything")
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert nothing.stderr.startswith("NothingReady: ")
    unknown = tunedd(tmp_path, "serve", "--port", "0", TUNEDD_CHAT_MODEL="magic:")
    assert unknown.returncode != 0
    assert "TUNEDD_CHAT_MODEL" in unknown.stderr
    port = tunedd(tmp_path, "serve", TUNEDD_PORT="many")
    assert port.returncode == 2
    assert port.stderr.startswith("TUNEDD_PORT: ")
    model = tunedd(tmp_path, "models", "pull", "gpt-17")
    assert "gpt-17" in model.stderr
    for ended in (nothing, unknown, port, model):
        assert "Traceback" not in ended.stderr


def test_a_reader_that_has_seen_enough_is_no_failure_to_complain_of(tmp_path: Path) -> None:
    tunedd(tmp_path, "index", SAMPLES)
    command = f"{sys.executable} -m tunedd_api ask 'How is a quotation verified?' | head -c 5"
    environment = os.environ | {
        "TUNEDD_HOME": str(tmp_path / "home"),
        "TUNEDD_EMBEDDING_MODEL": "mock:",
        "TUNEDD_CHAT_MODEL": "echo:",
        "PYTHONPATH": str(ROOT),
    }
    ended = subprocess.run(
        command, shell=True, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in ended.stderr
    assert "Exception" not in ended.stderr


def test_a_home_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    ended = tunedd(tmp_path, "search", "anything", TUNEDD_HOME="/dev/null/home")
    assert ended.returncode == 1
    assert "TUNEDD_HOME" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_models_and_papers_are_listed(tmp_path: Path) -> None:
    models = tunedd(tmp_path, "models", "list")
    assert "all-minilm-l6-v2" in models.stdout
    papers = tunedd(tmp_path, "papers", "list", "--manifest", ROOT / "data" / "papers.toml")
    assert "Visibility into AI Agents" in papers.stdout
    assert "2401.13138v6" in papers.stdout


def test_nothing_reports_its_use_to_anybody(tmp_path: Path) -> None:
    script = (
        "import tunedd_api.bootstrap, haystack.telemetry._telemetry as t; "
        "assert t.telemetry is None, t.telemetry"
    )
    environment = os.environ | {"HAYSTACK_TELEMETRY_ENABLED": "True", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True, cwd=tmp_path)


def test_the_embedders_runtime_leaves_no_session_id_anywhere(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs the embedded extra")
    traces = tmp_path / "temporary"
    traces.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"TMPDIR": str(traces), "PYTHONPATH": str(ROOT)}
    script = "import tunedd_api, onnxruntime, time; time.sleep(1)"
    subprocess.run([sys.executable, "-c", script], env=environment, check=True, cwd=tmp_path)
    assert list(traces.iterdir()) == []


def test_reindexing_builds_another_index_and_says_when_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert tunedd(tmp_path, "index", str(SAMPLES)).returncode == 0
    assert "nothing to do" in tunedd(tmp_path, "reindex").stderr
    rebuilt = tunedd(tmp_path, "reindex", TUNEDD_EMBEDDING_MODEL="mock:64")
    assert (rebuilt.returncode, "serves now" in rebuilt.stderr) == (0, True)
    found = tunedd(tmp_path, "search", "citation", "--json", TUNEDD_EMBEDDING_MODEL="mock:64")
    assert json.loads(found.stdout)
