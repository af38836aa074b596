"""How many pools of memory the threads of a process have."""

import ctypes
import subprocess
import sys

import pytest

from tunedd_api.backends.allocator import POOLS

THREADS = 12
COUNT = f"""
import ctypes, threading
from tunedd_api.backends.allocator import share_memory_between_threads
libc = ctypes.CDLL(None)
{{first}}
together = threading.Barrier({THREADS})
def hold():
    together.wait()
    libc.malloc(ctypes.c_size_t(1000))
    together.wait()
threads = [threading.Thread(target=hold) for _ in range({THREADS})]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


def pools(first: str) -> int:
    command = [sys.executable, "-c", COUNT.format(first=first)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return said.count("<heap nr=")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="the C library is not glibc")
def test_many_threads_share_few_pools() -> None:
    assert pools("") > POOLS
    assert pools("share_memory_between_threads()") <= POOLS
