"""What clients were told, and may therefore rely on whatever is killed."""

import random
from dataclasses import dataclass, field
from threading import Lock

from tests.faults.contents import Content


@dataclass
class Paper:
    """A content that was sent or put into the folder, and what was said of it."""

    content: Content
    present: bool | None = None
    """None while the answer is outstanding: a kill may have come before or after the deed."""
    in_folder: bool = False
    deleted: bool = False
    """Whether a removal was ever confirmed: then its file in the folder does not bring it back."""
    deleting: bool = False
    """Whether the outstanding answer is that to a removal."""
    changed_in: int = 0
    """The life of the service in which it was last sent or deleted."""
    excused: bool = False
    """Its violation was told; once is enough."""


@dataclass(kw_only=True)
class Question:
    conversation: str
    message: str
    content: str
    answer: str | None = None
    """What `done` brought; None if its follower left or was cut off before."""


@dataclass
class Ledger:
    """Shared by the threads of the traffic; a paper is in one hand at a time."""

    papers: dict[str, Paper] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    added: int = 0
    deleted: int = 0
    _taken: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def begin(self, content: Content, life: int, *, deleting: bool = False) -> Paper:
        """A paper about to be sent or deleted: until the answer is there, anything may be true."""
        with self._lock:
            paper = self.papers.setdefault(content.id, Paper(content))
            paper.present, paper.deleting, paper.changed_in = None, deleting, life
            self._taken.add(content.id)
            return paper

    def end(self, paper: Paper) -> None:
        with self._lock:
            self._taken.discard(paper.content.id)

    def confirm(self, paper: Paper, *, present: bool) -> None:
        with self._lock:
            paper.present = present
            paper.deleted = paper.deleted or not present
            self.added += present
            self.deleted += not present

    def drop(self, content: Content, life: int) -> None:
        """A paper that now lies in the folder."""
        with self._lock:
            paper = self.papers.setdefault(content.id, Paper(content))
            paper.in_folder, paper.changed_in = True, life

    def pick(self, chance: random.Random, *, present: bool) -> Content | None:
        """Any paper that is surely there, or surely deleted, and in nobody's hand."""
        with self._lock:
            free = [
                paper.content
                for id, paper in self.papers.items()
                if paper.present is present and id not in self._taken and not paper.excused
            ]
        return chance.choice(free) if free else None

    def gone(self) -> set[str]:
        """Ids of the papers that are surely deleted at this moment."""
        with self._lock:
            return {id for id, paper in self.papers.items() if paper.present is False}

    def ask(self, question: Question) -> None:
        with self._lock:
            self.questions.append(question)

    def conversation(self, chance: random.Random) -> str | None:
        with self._lock:
            recent = [question.conversation for question in self.questions[-20:]]
        return chance.choice(recent) if recent else None

    def tell(self, violation: str) -> None:
        with self._lock:
            self.violations.append(violation)
