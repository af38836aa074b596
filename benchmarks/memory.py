"""Resident memory of a service and of the process that reads PDFs for it."""

import subprocess
from dataclasses import dataclass

READER = "tunedd_api.library.reading.process"


@dataclass(frozen=True, kw_only=True)
class Memory:
    service: int
    """Bytes."""
    reader: int
    """Bytes; 0 where there is no such process now."""


def memory(process: int) -> Memory:
    children = _processes("--ppid", process)
    return Memory(
        service=sum(size for size, _ in _processes("-p", process)),
        reader=sum(size for size, command in children if READER in command),
    )


def _processes(choice: str, process: int) -> list[tuple[int, str]]:
    """Resident bytes and command of each."""
    command = ["ps", "-ww", "-o", "rss=,args=", choice, str(process)]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    rows = (line.split(maxsplit=1) for line in listed.splitlines())
    return [(1024 * int(kilobytes), command) for kilobytes, command in rows]
