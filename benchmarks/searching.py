"""How long a search takes over HTTP, question embedded, one after another."""

import time
from collections.abc import Sequence

import httpx

ROUNDS = 5
"""Times that each question is asked."""


def searches(client: httpx.Client, asked: Sequence[str]) -> list[float]:
    """Seconds that each search takes."""
    times = []
    client.get("/search", params={"q": asked[0]}).raise_for_status()
    for question in [*asked] * ROUNDS:
        started = time.monotonic()
        client.get("/search", params={"q": question}).raise_for_status()
        times.append(time.monotonic() - started)
    return times
