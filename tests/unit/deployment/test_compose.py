"""The compose files: what they set exists, what they wait for can come, what they run has a fixed version."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml  # type: ignore[import-untyped]  # ships no types

from tests.world import ROOT
from tunedd_api.settings import Settings

STACK = ROOT / "docker-compose.yml"
GPU = ROOT / "docker-compose.gpu.override.yml"
EXAMPLE = ROOT / ".env.example"
OURS = {"api", "worker", "papers", "index"}
ASKED = re.compile(r"\$\{([A-Z_]+)(?::?-((?:[^{}]|\{[^}]*\})*))?\}")
"""`${NAME:-default}`."""


def read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    return content


@pytest.fixture
def services() -> dict[str, Any]:
    found: dict[str, Any] = read(STACK)["services"]
    return found


def knobs(text: str) -> set[str]:
    return set(re.findall(r"TUNEDD_[A-Z_]+", text))


@pytest.mark.parametrize("file", [STACK, GPU, EXAMPLE], ids=lambda file: file.name)
def test_every_knob_that_is_named_exists(file: Path) -> None:
    known = {f"TUNEDD_{name.upper()}" for name in Settings.model_fields}
    assert knobs(file.read_text("utf-8")) - known == set()


def test_what_the_compose_files_ask_the_environment_for_is_in_the_example(services: dict[str, Any]) -> None:
    asked = {name for file in (STACK, GPU) for name, _ in ASKED.findall(file.read_text("utf-8"))}
    offered = set(re.findall(r"^#?([A-Z_]+)=", EXAMPLE.read_text("utf-8"), re.MULTILINE))
    assert asked - offered == set()


def test_the_defaults_of_the_example_are_those_of_the_stack() -> None:
    offered = dict(re.findall(r"^#?([A-Z_]+)=\"?([^\"\n]*)", EXAMPLE.read_text("utf-8"), re.MULTILINE))
    for name, default in ASKED.findall(STACK.read_text("utf-8")):
        if not name.startswith("TUNEDD_"):
            assert default == offered[name], name


def test_what_is_waited_for_can_come(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for awaited, how in service.get("depends_on", {}).items():
            other = services[awaited]
            if how["condition"] == "service_healthy":
                assert other["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}, f"{name} waits for {awaited}"
            elif how["condition"] == "service_completed_successfully":
                assert other["restart"] == "no", f"{name} waits for {awaited}, which never ends"


def test_the_api_starts_after_the_indexing_however_that_ended(services: dict[str, Any]) -> None:
    awaited = services["api"]["depends_on"]["index"]
    assert awaited == {"condition": "service_completed_successfully", "required": False}
    assert services["index"]["command"] == ["index"]
    papers = services["index"]["depends_on"]["papers"]
    assert papers == {"condition": "service_completed_successfully", "required": False}


def test_whatever_serves_is_watched_and_started_again(services: dict[str, Any]) -> None:
    once = {name for name, service in services.items() if service["restart"] == "no"}
    assert once == {"papers", "models", "index"}
    for name in services.keys() - once:
        assert services[name]["restart"] == "unless-stopped"
        # The image brings a check of its own; a worker listens nowhere.
        assert "test" in services[name].get("healthcheck", {}) or name in {"api", "worker"}


def test_images_have_fixed_versions(services: dict[str, Any]) -> None:
    for name in services.keys() - OURS:
        image, _, tag = services[name]["image"].partition(":")
        assert re.match(r"v?\d+\.\d+", tag), f"{image} of {name} has no fixed version"
    assert services["models"]["image"] == services["ollama"]["image"]


def test_the_image_is_built_once_and_never_looked_for_in_a_registry(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if "build" in service] == ["api"]
    for name in OURS:
        assert (services[name]["image"], services[name]["pull_policy"]) == ("tunedd", "never")


def test_tests_run_against_the_versions_of_the_stack(services: dict[str, Any]) -> None:
    images = {services[name]["image"] for name in services.keys() - OURS}
    named = re.compile(r'"((?:semitechnologies/weaviate|ollama/ollama|postgres|redis):[^"/]+)"')
    used = {
        image
        for file in (ROOT / "tests" / "servers").glob("*.py")
        for image in named.findall(file.read_text("utf-8"))
    }
    assert used
    for image in used:
        assert image in images


def test_only_the_api_is_published_and_only_on_this_machine(services: dict[str, Any]) -> None:
    assert {name for name, service in services.items() if "ports" in service} == {"api"}
    (port,) = services["api"]["ports"]
    assert port == "${TUNEDD_HOST:-127.0.0.1}:${TUNEDD_PORT:-8000}:8000"


def test_urls_name_services_of_the_stack_and_the_models_that_are_pulled(services: dict[str, Any]) -> None:
    environment = services["api"]["environment"]
    urls = {key: value for key, value in environment.items() if "://" in str(value)}
    assert len(urls) == 5
    for key, value in urls.items():
        plain = ASKED.sub(lambda asked: asked[2] or "", value)
        assert urlsplit(plain).hostname in services, key
    pulled = services["models"]["environment"]["MODELS"].split()
    wanted = [parse_qs(urlsplit(environment[f"TUNEDD_{kind}_MODEL"]).query) for kind in ("EMBEDDING", "CHAT")]
    assert [one["model"][0] for one in wanted] == pulled


def test_what_several_processes_need_is_on_volumes_that_they_share(services: dict[str, Any]) -> None:
    declared = set(read(STACK)["volumes"])
    for name in OURS - {"papers"}:
        places = {volume["target"]: volume for volume in services[name]["volumes"]}
        assert places["/data"]["source"] == "home"
        assert places["/papers"]["read_only"] is True
        environment = dict(services[name]["environment"])
        # Only a worker has no API to show its metrics.
        assert (environment.pop("TUNEDD_METRICS_PORT", None) is not None) == (name == "worker")
        assert environment == services["api"]["environment"]
    used = {
        volume["source"] if isinstance(volume, dict) else volume.partition(":")[0]
        for service in services.values()
        for volume in service.get("volumes", [])
        if not isinstance(volume, dict) or volume["type"] == "volume"
    }
    assert used == declared


def test_our_containers_have_no_rights_that_they_do_not_need(services: dict[str, Any]) -> None:
    for name in OURS:
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["read_only"] is True
        assert services[name]["security_opt"] == ["no-new-privileges:true"]
        assert services[name].get("user") == ("0:0" if name == "papers" else None)


def test_the_gpu_file_changes_only_services_that_are_there(services: dict[str, Any]) -> None:
    over = read(GPU)["services"]
    assert over.keys() <= services.keys()
    (devices,) = over["ollama"]["deploy"]["resources"]["reservations"]["devices"]
    assert devices["capabilities"] == ["gpu"]
