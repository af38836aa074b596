"""The real service: its own process, real models (a tiny language model), real HTTP on loopback."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from tests.serving import WITHIN, Service, serving, wait_for
from tests.world import SAMPLES
from tunedd_api.backends.model_files.weights import Weights

TINY = "smollm2-135m-instruct"


@pytest.fixture(scope="module")
def weights(models: Path) -> Path:
    """The folder of the real models, fetched on the first run."""
    for name in ("all-minilm-l6-v2", TINY):
        anyio.run(Weights(models).pull, name)
    return models


@pytest.fixture
def service(tmp_path: Path, weights: Path) -> Iterator[Service]:
    with serving(
        tmp_path / "home", SAMPLES, weights, TUNEDD_CHAT_MODEL=f"llama:{TINY}", TUNEDD_ANSWER_TOKENS="40"
    ) as started:
        started.get_ready()
        yield started


def start(service: Service, **body: object) -> str:
    return str(service.client.post("/conversations", json=body).json()["id"])


def model_process(service: Service) -> int | None:
    for pid in service.children():
        if b"llama_child" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return pid
    return None


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]
    except FileNotFoundError:
        return False


def test_questions_are_answered_in_the_light_of_the_history(service: Service) -> None:
    conversation = start(service)
    for question in ("How is a quotation verified?", "Why is that useful?"):
        sent = service.ask(conversation, question)
        assert [name for name, _ in sent][:2] == ["run", "sources"]
        assert all(source["title"] and source["page"] for source in sent[1][1]["sources"])
        name, last = sent[-1]
        assert name == "done"
        assert last["message"]["content"]
        assert last["message"]["usage"]["prompt_tokens"] > 0
    history = service.client.get(f"/conversations/{conversation}/messages").json()
    assert [one["role"] for one in history] == ["user", "assistant"] * 2
    # The second prompt holds the first exchange, so it is longer by more than its own passages.
    first, second = (one["usage"]["prompt_tokens"] for one in history if one["role"] == "assistant")
    assert second > first
    # What people ask is nobody else's business, not even the log's.
    assert "quotation" not in service.log.read_text("utf-8")


def test_a_killed_model_is_told_of_and_the_next_question_is_answered(service: Service) -> None:
    conversation = start(service)
    pid = model_process(service)
    assert pid
    url = f"/conversations/{conversation}/messages/stream"
    with service.client.stream("POST", url, json={"content": "Tell me everything at length."}) as response:
        text = ""
        for line in response.iter_lines():
            text += line + "\n"
            if line == "event: sources":
                os.kill(pid, signal.SIGKILL)
    assert text.count("event: error") == 1
    assert "event: done" not in text
    assert "The language model stopped" in text
    assert service.client.get("/search", params={"q": "citation"}).json()
    service.get_ready()
    assert service.ask(conversation, "And now?")[-1][0] == "done"
    history = service.client.get(f"/conversations/{conversation}/messages").json()
    assert [one["status"] for one in history] == ["complete", "failed", "complete", "complete"]


def test_an_answer_goes_on_when_its_follower_leaves(service: Service) -> None:
    conversation = start(service)
    url = f"/conversations/{conversation}/messages/stream"
    with service.client.stream("POST", url, json={"content": "What is retrieval?"}) as response:
        for line in response.iter_lines():
            if line == "event: sources":
                break

    def answered() -> bool:
        history = service.client.get(f"/conversations/{conversation}/messages").json()
        return bool(history[1]["status"] == "complete" and history[1]["content"])

    assert wait_for(answered, "the answer", service.log)


def test_ctrl_c_ends_it_cleanly_and_a_restart_embeds_nothing(tmp_path: Path, weights: Path) -> None:
    home = tmp_path / "home"
    settings = {"TUNEDD_CHAT_MODEL": f"llama:{TINY}", "TUNEDD_ANSWER_TOKENS": "16"}
    with serving(home, SAMPLES, weights, **settings) as service:
        service.get_ready()
        conversation = start(service)
        service.ask(conversation, "What is retrieval?")
        history = service.client.get(f"/conversations/{conversation}/messages").json()
        children = service.children()
        assert service.stop() == 0
        assert "Traceback" not in service.log.read_text("utf-8")
        assert not any(map(alive, children))
    with serving(home, SAMPLES, weights, **settings) as service:
        service.get_ready()
        assert service.client.get(f"/conversations/{conversation}/messages").json() == history
        log = service.log.read_text("utf-8")
        assert "document.indexed" not in log
        assert "Fetching" not in log


def test_ending_in_the_middle_of_an_answer_is_quick_and_tells_its_followers(
    tmp_path: Path, weights: Path
) -> None:
    settings = {"TUNEDD_CHAT_MODEL": f"llama:{TINY}", "TUNEDD_ANSWER_TOKENS": "1000"}
    with serving(tmp_path / "home", SAMPLES, weights, **settings) as service:
        service.get_ready()
        url = f"/conversations/{start(service)}/messages/stream"
        text = ""
        with service.client.stream("POST", url, json={"content": "Tell me everything."}) as response:
            for line in response.iter_lines():
                text += line + "\n"
                if line == "event: sources":
                    service.process.send_signal(signal.SIGTERM)
        assert text.count("event: done") == 1
        assert '"status": "incomplete"' in text
        assert service.process.wait(WITHIN) == 0
        assert "Traceback" not in service.log.read_text("utf-8")


def test_a_killed_service_takes_its_processes_along_and_starts_again(tmp_path: Path, weights: Path) -> None:
    home = tmp_path / "home"
    settings = {"TUNEDD_CHAT_MODEL": f"llama:{TINY}"}
    with serving(home, SAMPLES, weights, **settings) as service:
        service.get_ready()
        children = service.children()
        assert children
        service.process.kill()
        service.process.wait()
        assert wait_for(lambda: not any(map(alive, children)), "the children to end", service.log)
    with serving(home, SAMPLES, weights, **settings) as service:
        assert service.get_ready()["documents"] == {"ready": 2}


def test_a_port_that_is_taken_is_said_at_once(service: Service, tmp_path: Path, weights: Path) -> None:
    port = service.client.base_url.port
    environment = os.environ | {"TUNEDD_HOME": str(tmp_path / "second"), "TUNEDD_MODELS": str(weights)}
    ended = subprocess.run(
        [sys.executable, "-m", "tunedd_api", "serve", "--port", str(port)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "--port" in ended.stderr
    assert "Traceback" not in ended.stderr
