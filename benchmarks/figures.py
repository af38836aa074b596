"""Times and sizes as a reader of the table wants them."""

import math
from collections.abc import Sequence

MB = 1_000_000


def percentile(times: Sequence[float], share: float) -> float:
    """The smallest time that at least this share of the times does not exceed (nearest rank)."""
    return sorted(times)[max(0, math.ceil(share * len(times)) - 1)]


def milliseconds(times: Sequence[float]) -> str:
    """Median / 95th percentile of seconds."""
    return f"{1000 * percentile(times, 0.5):.1f} / {1000 * percentile(times, 0.95):.1f} ms"


def megabytes(size: int) -> str:
    return f"{size / MB:.0f} MB"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
