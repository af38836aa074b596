"""People at work: they add, delete, search and ask, each in a thread, until told to stop or cut off."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import httpx

from tests.faults.contents import Content, Contents
from tests.faults.ledger import Ledger, Question
from tests.serving import events

MANY = 30
"""Documents above which more are deleted than added."""
WITHIN = 60.0
QUESTIONS = (
    "How is a quotation verified?",
    "What does retrieval-augmented answering need?",
    "Which data was the model trained on?",
    "And why is that useful?",
)
BUSY = {"NothingReady", "AnswerRunning", "ModelStarting", "ModelUnavailable", "ShuttingDown"}
"""Refusals that are right while parts of the service come and go."""


class Traffic:
    """All requests to one life of the service."""

    def __init__(
        self, address: str, papers: Path, ledger: Ledger, contents: Contents, life: int, seed: float
    ) -> None:
        self._address = address
        self._papers = papers
        self._ledger = ledger
        self._contents = contents
        self._life = life
        self._chance = random.Random(seed)
        self._stopped = Event()

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Requests flow until the block ends."""
        deeds = (self._add_one, self._delete_or_revive, self._ask, self._ask, self._search)
        threads = [Thread(target=self._repeat, args=(deed,), daemon=True) for deed in deeds]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            for thread in threads:
                thread.join(WITHIN)
            if any(thread.is_alive() for thread in threads):
                self._ledger.tell("stuck: a request got no answer.")

    def _repeat(self, deed: Callable[[httpx.Client], None]) -> None:
        with httpx.Client(base_url=self._address, timeout=WITHIN / 2) as client:
            while not self._stopped.wait(self._chance.uniform(0, 0.6)):
                try:
                    deed(client)
                except httpx.TimeoutException:
                    self._ledger.tell(f"stuck: {deed.__name__} got no answer in time.")
                except httpx.TransportError:
                    # The service was killed, which is what this is for.
                    return

    def _add_one(self, client: httpx.Client) -> None:
        if sum(paper.present is True for paper in self._ledger.papers.values()) > MANY:
            return
        content = self._contents.next()
        if self._chance.random() < 0.25:
            self._drop(content)
        if self._chance.random() < 0.8:
            self._upload(client, content)

    def _drop(self, content: Content) -> None:
        hidden = self._papers / f".{content.name}"
        hidden.write_bytes(content.data)
        hidden.rename(self._papers / content.name)
        self._ledger.drop(content, self._life)

    def _upload(self, client: httpx.Client, content: Content) -> None:
        paper = self._ledger.begin(content, self._life)
        try:
            response = client.post("/documents", files={"file": (content.name, content.data)})
            if self._expect(response, 202):
                self._ledger.confirm(paper, present=True)
        finally:
            self._ledger.end(paper)

    def _delete_or_revive(self, client: httpx.Client) -> None:
        if self._chance.random() < 0.15 and (deleted := self._ledger.pick(self._chance, present=False)):
            self._upload(client, deleted)
        elif content := self._ledger.pick(self._chance, present=True):
            paper = self._ledger.begin(content, self._life, deleting=True)
            try:
                if self._expect(client.delete(f"/documents/{content.id}"), 204):
                    self._ledger.confirm(paper, present=False)
            finally:
                self._ledger.end(paper)

    def _search(self, client: httpx.Client) -> None:
        gone = self._ledger.gone()
        response = client.get("/search", params={"q": self._chance.choice(QUESTIONS)})
        if self._expect(response, 200):
            # Those that came back meanwhile are right to be found.
            found = {hit["document_id"] for hit in response.json()} & gone & self._ledger.gone()
            for id in found:
                self._ledger.tell(f"remains: the deleted document {id} was found by a search.")

    def _ask(self, client: httpx.Client) -> None:
        known = self._ledger.conversation(self._chance) if self._chance.random() < 0.5 else None
        if known is None:
            started = client.post("/conversations", json={})
            if not self._expect(started, 201):
                return
            known = started.json()["id"]
        self._follow(client, known, self._chance.choice(QUESTIONS))

    def _follow(self, client: httpx.Client, conversation: str, content: str) -> None:
        leaves = self._chance.random() < 0.2
        url = f"/conversations/{conversation}/messages/stream"
        ends = 0
        with client.stream("POST", url, json={"content": content}) as response:
            if response.status_code != httpx.codes.OK:
                response.read()
                self._expect(response, 200)
                return
            asked: Question | None = None
            for name, data in events(response.iter_lines()):
                if name == "run":
                    asked = Question(conversation=conversation, message=data["message_id"], content=content)
                    self._ledger.ask(asked)
                elif name == "done" and asked:
                    asked.answer = data["message"]["content"]
                ends += name in ("done", "error")
                if leaves or self._stopped.is_set():
                    return
        if ends != 1:
            self._ledger.tell(f"disorder: a stream in {conversation} had {ends} last events.")

    def _expect(self, response: httpx.Response, status: int) -> bool:
        if response.status_code == status:
            return True
        if response.status_code not in (409, 503) or response.json().get("error") not in BUSY:
            asked = f"{response.request.method} {response.request.url.path}"
            self._ledger.tell(f"refused: {asked} was answered {response.status_code}: {response.text[:300]}")
        return False
