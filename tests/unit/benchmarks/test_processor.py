"""Processor time as the system counts it."""

import os
import subprocess
import sys

from benchmarks.processor import processor_seconds

SPIN = "import time\nwhile time.process_time() < 0.5: pass\nprint(flush=True)\ninput()"


def test_work_of_a_child_counts_while_it_lives_and_when_it_has_ended() -> None:
    before = processor_seconds(os.getpid())
    child = subprocess.Popen([sys.executable, "-c", SPIN], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout
    child.stdout.readline()
    alive = processor_seconds(os.getpid()) - before
    child.communicate(b"\n")
    ended = processor_seconds(os.getpid()) - before
    assert alive > 0.4
    assert ended > 0.4
