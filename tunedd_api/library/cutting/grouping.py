"""Groups the sentences of a page into passages of about one size."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

TARGET_WORDS = 120
"""What a passage aims at. Longer ones blur what they are about, shorter ones lose their context."""
LEAST_WORDS = 20
"""A group with fewer words joins its neighbour, where the embedder reads both."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """A sentence, or a part of one that is too long: what a passage is made of."""

    start: int
    end: int
    words: int
    tokens: int
    section: str | None = None
    opens: bool = False
    """It is the heading of its section."""


Room = Callable[[str | None], int]
"""Tokens that the text of a passage under this section may have."""


def group(stretches: Sequence[Stretch], room: Room) -> list[tuple[int, int, str | None]]:
    """Start, end and section of each passage. Order is kept, and every stretch is in one passage."""
    groups: list[list[Stretch]] = []
    for run in _runs(stretches):
        for part in _parts(run, room):
            if groups and _joins(groups[-1], part, room):
                groups[-1] = [*groups[-1], *part]
            else:
                groups.append(part)
    return [(one[0].start, one[-1].end, _section(one)) for one in groups]


def _runs(stretches: Sequence[Stretch]) -> Iterator[list[Stretch]]:
    """Stretches between one heading and the next; headings that follow each other stay together."""
    run: list[Stretch] = []
    for stretch in stretches:
        if stretch.opens and not all(earlier.opens for earlier in run):
            yield run
            run = []
        run.append(stretch)
    if run:
        yield run


def _parts(run: Sequence[Stretch], room: Room) -> Iterator[list[Stretch]]:
    """Parts of about the same length, none longer than the embedder reads."""
    total = sum(stretch.words for stretch in run)
    goal = total / max(1, round(total / TARGET_WORDS))
    part: list[Stretch] = []
    length = tokens = 0
    most = min(room(stretch.section) for stretch in run)
    for stretch in run:
        if part and (length + stretch.words / 2 > goal or tokens + stretch.tokens > most):
            yield part
            part, length, tokens = [], 0, 0
        part.append(stretch)
        length, tokens = length + stretch.words, tokens + stretch.tokens
    if part:
        yield part


def _joins(before: Sequence[Stretch], after: Sequence[Stretch], room: Room) -> bool:
    shorter = min(sum(stretch.words for stretch in side) for side in (before, after))
    return shorter < LEAST_WORDS and _fits([*before, *after], room)


def _fits(stretches: Sequence[Stretch], room: Room) -> bool:
    tokens = sum(stretch.tokens for stretch in stretches)
    return tokens <= min(room(stretch.section) for stretch in stretches)


def _section(stretches: Sequence[Stretch]) -> str | None:
    """The section that most of the words belong to."""
    lengths: dict[str | None, int] = {}
    for stretch in stretches:
        lengths[stretch.section] = lengths.get(stretch.section, 0) + stretch.words
    return max(lengths, key=lambda section: lengths[section])
