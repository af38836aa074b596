"""
Kills the service, its reader and its model at random moments, again and again over one home, and checks
that nothing is lost, nothing is there twice, and nothing half-indexed is called ready.

    python -m tests.faults.kill_rounds --rounds 200 --models var/test-models

Ends with status 1 and keeps the home if anything was violated.
"""

import argparse
import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.faults.contents import Contents, short_papers
from tests.faults.invariants import ready_documents, violations
from tests.faults.ledger import Ledger
from tests.faults.life import MODEL, READER, WITHIN, Life, Stuck, start, strike
from tests.faults.promises import broken_outcomes, broken_promises, settle
from tests.faults.traffic import Traffic
from tunedd_api.cli.terminal import say

EMBEDDING_MODELS = ("onnx:all-minilm-l6-v2", "mock:")
"""Now and then the other one is set, and everything is indexed anew beside what serves."""
CHANGES = 0.08
SERVICE_SHARE = 0.45
"""How often it is the service that dies while it has a child that could."""
TINY = "llama:smollm2-135m-instruct"
SETTLED_EVERY = 8
"""Lives between two looks at what holds when nothing is left to do."""
STARTS_IN = 4.0
"""Seconds that a start takes; some kills come within them."""
WARNINGS = ("document.lost", "reading.timeout")
"""Log events that tell of something that must not happen here; errors do so anyway."""


@dataclass
class Rounds:
    """All lives of one home."""

    folder: Path
    models: Path
    seed: int
    ledger: Ledger = field(default_factory=Ledger)
    kills: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    lives: int = 0
    reindexed: int = 0
    _ready_before: set[str] = field(default_factory=set)
    _embedding_model: str = EMBEDDING_MODELS[0]

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.contents = Contents(short_papers(), random.Random(self.seed))
        self.home, self.papers = self.folder / "home", self.folder / "papers"
        for folder in (self.home, self.papers, self.folder / "tmp"):
            folder.mkdir()

    def run(self, rounds: int) -> None:
        while self.kills.total() < rounds:
            life = self._begin()
            if self.chance.random() < 0.15:
                time.sleep(self.chance.uniform(0.1, STARTS_IN))
                self._tell(life.kill())
            else:
                self._live(life, rounds)
            self.kills["service"] += 1
            self._end(life)
        life = self._begin()
        self._look(life.address(), settled=True)
        self._tell(life.kill())
        self._end(life)

    def _begin(self) -> Life:
        self.lives += 1
        model = TINY if self.chance.random() < 0.5 else "echo:"
        if self.chance.random() < CHANGES:
            self._embedding_model = next(one for one in EMBEDDING_MODELS if one != self._embedding_model)
        return start(
            self.home,
            self.papers,
            self.models,
            self.folder / "service.log",
            TUNEDD_CHAT_MODEL=model,
            TUNEDD_ANSWER_TOKENS="24",
            TUNEDD_EMBEDDING_MODEL=self._embedding_model,
            TMPDIR=str(self.folder / "tmp"),
        )

    def _live(self, life: Life, rounds: int) -> None:
        """Until it is the service's own turn to be killed, its children are."""
        address = life.address()
        self._look(address, settled=self.lives % SETTLED_EVERY == 0)
        traffic = Traffic(address, self.papers, self.ledger, self.contents, self.lives, self.chance.random())
        with traffic.flowing():
            while True:
                time.sleep(self.chance.uniform(0.05, 2.5))
                kinds = [kind for kind in (READER, MODEL) if life.child(kind) is not None]
                last = self.kills.total() + 1 >= rounds
                if not kinds or last or self.chance.random() < SERVICE_SHARE:
                    # While requests are under way, so that they are cut off.
                    self._tell(life.kill())
                    return
                kind = self.chance.choice(kinds)
                victim = life.child(kind)
                if victim is not None and strike(victim):
                    self.kills["reader" if kind == READER else "model"] += 1

    def _end(self, life: Life) -> None:
        """Looks at what it left, before anything can repair it."""
        self._tell(violations(self.home, settled=False))
        self.reindexed += sum(event["event"] == "index.switched" for event in life.events())
        if any(event["event"] == "index.building" for event in life.events()):
            self._ready_before.clear()
        for event in life.events():
            known = self.ledger.papers.get(str(event.get("document")))
            if event["event"] == "document.indexed" and event["document"] in self._ready_before:
                if known is None or known.changed_in < self.lives:
                    self._tell([f"again: document {event['document']} was ready and was indexed again."])
            elif event.get("level") in ("error", "critical") or event["event"] in WARNINGS:
                said = str(event.get("exception", ""))[-1500:]
                self._tell([f"logged: {event['event']} {said}"])
        self._ready_before = ready_documents(self.home)
        shutil.copy(life.log, self.folder / "previous.log")

    def _look(self, address: str, *, settled: bool) -> None:
        with httpx.Client(base_url=address, timeout=WITHIN) as client:
            self._tell(broken_promises(client, self.ledger))
            if settled:
                settle(client)
                self._tell(broken_outcomes(client, self.ledger))
                self._tell(violations(self.home, settled=True))
                # Hidden files there are those of libraries, one for all lives.
                self._tell(f"remains: {file} is not removed." for file in (self.folder / "tmp").glob("[!.]*"))
        say(f"life {self.lives}, kills {dict(self.kills)}, violations {len(self.violations)}")

    def _tell(self, found: object) -> None:
        said, self.ledger.violations = self.ledger.violations, []
        for violation in [*said, *found]:  # type: ignore[misc]  # any iterable of sentences
            if violation not in self.violations:
                self.violations.append(violation)
                say(f"life {self.lives}: {violation}")


def main() -> None:
    arguments = _arguments()
    folder = Path(tempfile.mkdtemp(prefix="kill-rounds-", dir=arguments.folder))
    say(f"seed {arguments.seed}, in {folder}")
    rounds = Rounds(folder=folder, models=arguments.models.absolute(), seed=arguments.seed)
    started = time.monotonic()
    try:
        rounds.run(arguments.rounds)
    except Stuck as error:
        rounds.violations.append(f"stuck: {error}")
        say(str(error))
    kinds = Counter(re.match(r"[^:]*", one)[0] for one in rounds.violations)  # type: ignore[index]
    ledger = rounds.ledger
    say(
        f"seed {arguments.seed}: {rounds.kills.total()} kills {dict(rounds.kills)} in {rounds.lives} lives "
        f"and {time.monotonic() - started:.0f} s; {ledger.added} documents added, {ledger.deleted} deleted, "
        f"{len(ledger.questions)} questions, {rounds.reindexed} indexes replaced; "
        f"violations: {dict(kinds) or 'none'}"
    )
    if rounds.violations:
        sys.exit(1)
    shutil.rmtree(folder)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200, help="how many kills")
    parser.add_argument("--models", type=Path, default=Path("var/test-models"))
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--folder", type=Path, help="where the home is made; default the system's")
    return parser.parse_args()


if __name__ == "__main__":
    main()
