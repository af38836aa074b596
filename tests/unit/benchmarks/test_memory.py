"""Memory of processes as the system sees it."""

import os
import subprocess
import sys

from benchmarks.memory import READER, memory


def test_a_process_is_as_large_as_what_it_holds() -> None:
    before = memory(os.getpid()).service
    held = b"x" * 200_000_000
    after = memory(os.getpid()).service
    assert len(held) * 0.9 < after - before < len(held) * 1.2


def test_only_the_child_that_reads_pdfs_counts_as_the_reader() -> None:
    idle = [sys.executable, "-c", "print(flush=True); input()"]
    children = [
        subprocess.Popen([*idle, *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for more in ([], [READER])
    ]
    try:
        for child in children:
            assert child.stdout
            child.stdout.readline()
        counted = memory(os.getpid()).reader
        assert 0 < counted < 2 * memory(children[1].pid).service
    finally:
        for child in children:
            child.communicate(b"\n")
    assert memory(os.getpid()).reader == 0
