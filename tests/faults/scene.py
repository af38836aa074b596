"""A running service in trouble, and what somebody at its API expects of it meanwhile."""

import random
import time
from collections.abc import Callable
from typing import Any

import httpx

from tests.faults.contents import Contents, short_papers
from tests.faults.findings import Findings
from tests.faults.life import WITHIN, Life

QUESTION = {"content": "How is a quotation verified? Tell me everything at length."}


class Scene:
    """A service, its client, and what was found."""

    def __init__(self, findings: Findings, life: Life) -> None:
        self.findings = findings
        self.life = life
        self.client = httpx.Client(base_url=life.address(), timeout=WITHIN)
        self._contents = Contents(short_papers(), random.Random(1))

    def upload(self, data: bytes | None = None) -> httpx.Response:
        content = self._contents.next(bad=0)
        return self.client.post("/documents", files={"file": (content.name, data or content.data)})

    def start_conversation(self) -> str:
        return str(self.client.post("/conversations", json={}).json()["id"])

    def ask(self, conversation: str) -> httpx.Response:
        return self.client.post(f"/conversations/{conversation}/messages", json=QUESTION)

    def ready(self) -> bool:
        return self.client.get("/ready").status_code == httpx.codes.OK

    def log(self) -> str:
        return self.life.log.read_text("utf-8", "replace")

    def until(self, what: str, look: Callable[[], Any]) -> None:
        """Waits; what does not happen in time is a finding."""
        deadline = time.monotonic() + WITHIN
        while not (holds := look()) and time.monotonic() < deadline:
            time.sleep(0.1)
        self.findings.expect(what, holds, seen=self.client.get("/ready").text)

    def refused(self, what: str, response: httpx.Response, error: str) -> None:
        right = response.status_code == httpx.codes.SERVICE_UNAVAILABLE and response.json()["error"] == error
        self.findings.expect(f"{what} is answered 503 {error}", right, seen=response.text)
        self.findings.expect(f"{what} is told when to come back", "Retry-After" in response.headers)

    def ready_says(self, word: str) -> None:
        ready = self.client.get("/ready").text
        self.findings.expect(f"/ready tells of it ({word})", word in ready, seen=ready)

    def still_readable(self, conversation: str | None = None) -> None:
        documents = self.client.get("/documents")
        addresses = ["/documents", "/search?q=citation", f"/documents/{documents.json()[-1]['id']}/file"]
        addresses += [f"/conversations/{conversation}/messages"] if conversation else []
        for address in addresses:
            response = self.client.get(address)
            readable = response.status_code == httpx.codes.OK and len(response.content) > len("[]")
            shown = address.partition("?")[0]
            self.findings.expect(f"GET {shown} still works", readable, seen=response.text)
        alive = self.client.get("/health").status_code == httpx.codes.OK
        self.findings.expect("it is alive", alive)
