"""Tiny wheels in a local folder, which pip takes for its only index."""

from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

import pytest


def make_wheel(folder: Path, name: str, version: str, members: Mapping[str, bytes]) -> Path:
    """Writes a wheel that holds just these files."""
    stem = f"{name.replace('-', '_')}-{version}"
    wheel = folder / f"{stem}-py3-none-any.whl"
    meta = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with ZipFile(wheel, "w") as archive:
        for path, content in members.items():
            archive.writestr(path, content)
        for file, text in meta.items():
            archive.writestr(f"{stem}.dist-info/{file}", text)
    return wheel


def use_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets every pip started from here look into the folder and nowhere else."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
