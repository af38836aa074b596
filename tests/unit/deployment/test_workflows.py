"""What the workflows run exists, on the Pythons that the package says it supports, with no right too many."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # ships no types

from tests.world import ROOT

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
each_workflow = pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)


def read(file: Path) -> dict[Any, Any]:
    content: dict[Any, Any] = yaml.safe_load(file.read_text("utf-8"))
    return content


def steps(file: Path) -> list[dict[str, Any]]:
    return [step for job in read(file)["jobs"].values() for step in job["steps"]]


@pytest.fixture
def supported() -> list[str]:
    """The Pythons that pyproject.toml promises."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    found = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", project["requires-python"])
    assert found
    return [f"3.{minor}" for minor in range(int(found[1]), int(found[2]))]


def test_tests_run_on_every_python_that_is_supported(supported: list[str]) -> None:
    job = read(GITHUB / "workflows" / "ci.yml")["jobs"]["test"]
    assert job["strategy"]["matrix"]["python"] == supported


def test_no_other_python_is_used_anywhere(supported: list[str]) -> None:
    used = {
        step["with"]["python-version"]
        for file in WORKFLOWS
        for step in steps(file)
        if "setup-python" in step.get("uses", "")
    }
    assert used - {"${{ matrix.python }}"} <= set(supported)
    image = re.findall(r"FROM python:(3\.\d+)\.", (ROOT / "Dockerfile").read_text("utf-8"))
    assert set(image) <= set(supported)


def test_a_server_that_is_missed_is_a_failure() -> None:
    required = [
        step["env"]["TUNEDD_TEST_REQUIRE"]
        for step in steps(GITHUB / "workflows" / "ci.yml")
        if "TUNEDD_TEST_REQUIRE" in step.get("env", {})
    ]
    assert required == ["weaviate,ollama,postgres,redis"]


@each_workflow
def test_targets_that_are_made_exist(file: Path) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for step in steps(file):
        for target in re.findall(r"^make (\w+)", step.get("run", ""), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@each_workflow
def test_actions_are_pinned_to_commits_and_say_their_version(file: Path) -> None:
    used = [line for line in file.read_text("utf-8").splitlines() if "uses:" in line]
    assert used
    for line in used:
        assert re.search(r"uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


@each_workflow
def test_a_job_may_read_and_no_more(file: Path) -> None:
    workflow = read(file)
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert job["permissions"] == {"contents": "read"}
        assert job["timeout-minutes"] <= 60
    for step in steps(file):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_whatever_has_a_version_is_kept_up_to_date() -> None:
    kept = {update["package-ecosystem"]: update for update in read(GITHUB / "dependabot.yml")["updates"]}
    assert kept.keys() == {"pip", "docker", "docker-compose", "github-actions"}
    for folder in kept["pip"]["directories"]:
        files = [*(ROOT / folder.strip("/")).glob("*")]
        assert any(file.name in {"poetry.lock", "requirements.txt"} for file in files), folder
