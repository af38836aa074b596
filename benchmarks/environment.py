"""How large the packages are that the service runs with, with its models but without their weights."""

import importlib.util
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

PROJECT, EXTRA = "tunedd-api", "embedded"


def environment_size() -> int:
    """Bytes of every file that the project's packages and all they need have put on the disk."""
    return sum(_size(found) for found in needed(PROJECT, EXTRA).values())


def needed(project: str, extra: str) -> dict[str, Distribution]:
    """The installed distributions that a project with one of its extras comes down to, itself included."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    wanted = [(canonicalize_name(project), ""), (canonicalize_name(project), extra)]
    while wanted:
        name, extra = wanted.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue
        wanted += _requirements(found[name], extra)
    return found


def _requirements(of: Distribution, extra: str) -> Iterator[tuple[NormalizedName, str]]:
    for line in of.requires or []:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            for wanted in ("", *requirement.extras):
                yield canonicalize_name(requirement.name), wanted


def _size(found: Distribution) -> int:
    files = {Path(str(found.locate_file(file))) for file in found.files or []}
    # Compiled by the interpreter, not by the installer, they are in no list.
    compiled = {Path(importlib.util.cache_from_source(str(file))) for file in files if file.suffix == ".py"}
    return sum(file.stat().st_size for file in files | compiled if file.is_file())
