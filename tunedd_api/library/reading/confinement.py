"""What the operating system keeps the reading process from, whatever a PDF makes it do."""

import math
import sys
import time

LARGEST_FILE = 1 << 20
"""Bytes that it may write to one file: compiled Python modules, and no dump of what it reads."""
OPEN_FILES = 64
SPARE_SECONDS = 5
"""Processor time beyond the limit: the service, which counts by the clock, comes first."""


def confine(memory_mb: int) -> None:
    """Limits address space, files and core dumps of this process for good."""
    # Elsewhere these limits do not exist or are not kept to.
    if sys.platform == "linux":
        import resource

        limits = {
            resource.RLIMIT_AS: memory_mb * 1024 * 1024,
            resource.RLIMIT_CORE: 0,
            resource.RLIMIT_FSIZE: LARGEST_FILE,
            resource.RLIMIT_NOFILE: OPEN_FILES,
        }
        for limit, value in limits.items():
            resource.setrlimit(limit, (value, value))


def allow_seconds(seconds: float) -> None:
    """Processor time for the next file. A process that nobody is left to kill ends by this."""
    if sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        soft = math.ceil(time.process_time() + seconds) + SPARE_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
