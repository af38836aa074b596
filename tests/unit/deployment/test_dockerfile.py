"""The image: what it is made from, who it runs as, how it is asked whether it is well."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from tests.world import ROOT
from tunedd_api.settings import Settings

TEXT = (ROOT / "Dockerfile").read_text("utf-8")
LINES = re.sub(r"\\\n\s*", "", re.sub(r"^\s*#.*\n", "", TEXT, flags=re.MULTILINE)).splitlines()
INSTRUCTIONS = [(word, rest) for word, _, rest in (line.partition(" ") for line in LINES) if word]
LAST = INSTRUCTIONS[max(place for place, (word, _) in enumerate(INSTRUCTIONS) if word == "FROM") :]
"""The stage that becomes the image."""


def only(word: str) -> str:
    (found,) = (rest for name, rest in LAST if name == word)
    return found


@contextmanager
def answering(status: int) -> Iterator[int]:
    """Port of a server that answers everything with this status."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def check(port: int) -> int:
    """Exit status of the image's health check."""
    program, *arguments = json.loads(only("HEALTHCHECK").partition(" CMD ")[2])
    assert program == "python"
    environment = {**os.environ, "TUNEDD_PORT": str(port)}
    return subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, timeout=30, check=False
    ).returncode


def test_it_runs_as_a_user_with_a_number_that_is_not_root() -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", only("USER"))
    after = LAST[LAST.index(("USER", only("USER"))) :]
    assert not [rest for word, rest in after if word in {"RUN", "COPY"}]


def test_it_is_told_to_end_itself_and_not_through_a_shell() -> None:
    assert json.loads(only("ENTRYPOINT")) == ["tunedd"]
    assert json.loads(only("CMD")) == ["serve"]
    assert only("STOPSIGNAL") == "SIGINT"


def test_a_service_that_is_well_passes_the_health_check() -> None:
    with answering(200) as port:
        assert check(port) == 0


def test_a_service_that_is_not_well_or_gone_fails_the_health_check() -> None:
    with answering(503) as port:
        assert check(port) != 0
    assert check(port) != 0


def test_what_it_sets_exists() -> None:
    named = re.findall(r"TUNEDD_([A-Z_]+)=", only("ENV"))
    assert {"HOME", "PAPERS", "HOST", "PORT"} == set(named)
    assert {name.lower() for name in named} <= Settings.model_fields.keys()


def test_every_stage_stands_on_one_image_of_a_fixed_version() -> None:
    sources = [rest.split()[0] for word, rest in INSTRUCTIONS if word == "FROM"]
    names = {rest.split()[-1] for word, rest in INSTRUCTIONS if word == "FROM"}
    (outside,) = set(sources) - names
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", outside)


def test_packages_are_installed_from_the_lock_before_the_code_is_there() -> None:
    copied = [rest for word, rest in INSTRUCTIONS if word == "COPY" and "--from" not in rest]
    assert copied.index("pyproject.toml poetry.lock ./") < copied.index("tunedd_api tunedd_api")
    (installing,) = (rest for _, rest in INSTRUCTIONS if "--requirement" in rest)
    assert "--require-hashes" in installing
    assert "--only-binary :all:" in installing


def test_nothing_is_copied_that_the_ignore_file_keeps_out() -> None:
    ignore = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert ignore[1] == "*"
    let_in = {line[1:].partition("/")[0] for line in ignore if line.startswith("!")}
    # Papers of the folder, in its subfolders too, are nobody's but its owner's.
    assert {line for line in ignore if line.startswith("!data")} == {"!data/papers.toml", "!data/samples"}
    copied = {
        name
        for word, rest in INSTRUCTIONS
        if word == "COPY" and "--from" not in rest
        for name in [part for part in rest.split() if not part.startswith("--")][:-1]
    }
    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)


def test_its_tools_have_the_versions_that_are_kept_up_to_date() -> None:
    kept = dict(re.findall(r"^([a-z-]+)==(\S+)$", (ROOT / ".github/requirements.txt").read_text(), re.M))
    used = dict(re.findall(r"(poetry[a-z-]*)==(\S+)", TEXT))
    assert used == {name: kept[name] for name in ("poetry", "poetry-plugin-export")}
