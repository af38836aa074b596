"""Processor time of a process and its children: on a shared machine it says more than the clock."""

import os
import subprocess
from pathlib import Path


def processor_seconds(process: int) -> float:
    """What the process and those of its children that are alive have used so far, in user and system mode."""
    command = ["ps", "-o", "pid=", "--ppid", str(process)]
    children = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    return sum(_seconds(one) for one in (process, *map(int, children)))


def _seconds(process: int) -> float:
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        # It has ended since it was listed, as `ps` itself has.
        return 0.0
    # The name of the program, in brackets, may hold anything.
    fields = stat.rpartition(")")[2].split()
    user, system, of_ended_children = int(fields[11]), int(fields[12]), int(fields[13]) + int(fields[14])
    return (user + system + of_ended_children) / os.sysconf("SC_CLK_TCK")
