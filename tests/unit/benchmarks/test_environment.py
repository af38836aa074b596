"""What counts as part of the environment."""

from pathlib import Path

import pytest

from benchmarks.environment import environment_size, needed


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    _install(tmp_path, "house", requires=["wall>=1", "roof; extra == 'warm'", "car; sys_platform == 'none'"])
    _install(tmp_path, "wall", requires=["brick[red]"])
    _install(tmp_path, "brick", requires=["paint; extra == 'red'", "house"])
    for name in ("roof", "car", "paint", "garden"):
        _install(tmp_path, name, requires=[])
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def _install(place: Path, name: str, *, requires: list[str]) -> None:
    info = place / f"{name}-1.dist-info"
    info.mkdir()
    lines = [f"Requires-Dist: {requirement}" for requirement in requires]
    (info / "METADATA").write_text("\n".join(["Metadata-Version: 2.1", f"Name: {name}", *lines]))
    (info / "RECORD").write_text(f"{name}-1.dist-info/METADATA,,\n")


@pytest.mark.usefixtures("installed")
def test_it_is_what_the_project_and_the_extra_come_down_to() -> None:
    assert set(needed("house", "warm")) == {"house", "wall", "brick", "paint", "roof"}
    assert set(needed("house", "cold")) == {"house", "wall", "brick", "paint"}


def test_its_size_is_that_of_this_very_environment() -> None:
    # numpy and onnxruntime alone are more than a hundred; tests and tools are no part of it.
    assert 100_000_000 < environment_size() < 1_500_000_000
    assert "pytest" not in needed("tunedd-api", "embedded")
