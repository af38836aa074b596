"""The API over HTTP for tests: a service over the two sample papers, and how to speak to it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.world import SAMPLES, open_client, weightless

JSON = {"Content-Type": "application/json"}
PDFS = sorted(SAMPLES.glob("*.pdf"))


@asynccontextmanager
async def service(home: Path, **changes: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A service over the two sample papers."""
    folder = home / "papers"
    folder.mkdir(exist_ok=True)
    for pdf in PDFS:
        (folder / pdf.name).write_bytes(pdf.read_bytes())
    async with open_client(weightless(home, **changes)) as client:
        yield client


async def start(client: httpx.AsyncClient, **body: object) -> str:
    response = await client.post("/conversations", json=body)
    assert response.status_code == 201
    return str(response.json()["id"])


def events(text: str) -> list[tuple[int, str, Any]]:
    """The server-sent events of a body: id, name, data."""
    found = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return found
