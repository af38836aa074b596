"""What this computer has, and whether a model can run on it, asked before anything is fetched."""

import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tunedd_api.backends.model_files.catalog import Model, Purpose
from tunedd_api.errors import SetupError

MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")
ELSEWHERE = "use a server: TUNEDD_CHAT_MODEL=openai+https://HOST/v1?model=NAME"


class NotEnoughDisk(SetupError):
    """There is too little disk space for the model."""


class NotEnoughMemory(SetupError):
    """There is too little memory for the model."""


class ProcessorTooOld(SetupError):
    """The processor cannot run the model."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Figures in bytes; None where this system does not tell."""

    free_disk: int
    free_memory: int | None
    avx2: bool | None
    """Whether an x86 processor has these instructions; None also for other processors, which need none."""

    @classmethod
    def look(cls, folder: Path) -> Self:
        existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
        return cls(free_disk=shutil.disk_usage(existing).free, free_memory=_free_memory(), avx2=_has("avx2"))

    def check(self, model: Model, *, missing_bytes: int) -> None:
        """Raises a SetupError that says what to do when the model has no room here or cannot run."""
        needed = missing_bytes + model.working_bytes
        if needed > self.free_disk:
            raise NotEnoughDisk(
                f"{model.name} needs {gigabytes(needed)} of disk space; {gigabytes(self.free_disk)} are "
                "free. Make room, or put the models elsewhere: TUNEDD_MODELS=FOLDER."
            )
        if model.purpose is not Purpose.CHAT:
            return
        if self.avx2 is False:
            raise ProcessorTooOld(
                f"{model.name} runs on x86 processors with AVX2, which this one lacks. Instead, {ELSEWHERE}."
            )
        if self.free_memory is not None and model.memory_bytes > self.free_memory:
            raise NotEnoughMemory(
                f"{model.name} needs {gigabytes(model.memory_bytes)} of memory; "
                f"{gigabytes(self.free_memory)} are free. End other programs, "
                f"choose a smaller model (tunedd models list), or {ELSEWHERE}."
            )


def needs_reduced_range() -> bool:
    """Whether 8-bit products overflow: on x86 without VNNI two of them are added in 16 bits."""
    return _x86() and not any(_has(flag) for flag in ("avx512_vnni", "avx_vnni"))


def gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def _x86() -> bool:
    return platform.machine().lower() in ("x86_64", "amd64", "i686")


def _has(flag: str) -> bool | None:
    if not _x86() or not os.path.exists("/proc/cpuinfo"):
        return None
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = next((line for line in lines if line.startswith("flags")), None)
    return None if flags is None else flag in flags.split()


def _free_memory() -> int | None:
    """What Linux would give without swapping, and not more than a container may have."""
    if not os.path.exists("/proc/meminfo"):
        return None
    lines = Path("/proc/meminfo").read_text().splitlines()
    free = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    limit = MEMORY_LIMIT.read_text().strip() if MEMORY_LIMIT.exists() else ""
    return min([*free, *([int(limit)] if limit.isdigit() else [])], default=None)
