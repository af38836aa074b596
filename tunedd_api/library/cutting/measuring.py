"""Counts what is embedded with the embedder's own tokenizer, many texts at a time."""

from collections.abc import Sequence

from tunedd_api.library.model import Embedding, Passage


class Measure:
    """How many tokens a text has, and how many it may have behind title and section."""

    def __init__(self, embedding: Embedding, title: str | None) -> None:
        self._embedding = embedding
        self._title = title
        self._frame = embedding.count_tokens([""])[0]
        self._rooms: dict[str | None, int] = {}

    def tokens(self, texts: Sequence[str]) -> list[int]:
        """Without the tokens that frame every input."""
        return [count - self._frame for count in self._embedding.count_tokens(texts)]

    def room(self, section: str | None) -> int:
        """Tokens left for the text of a passage; at least one, so that cutting always gets on."""
        if section not in self._rooms:
            front = self._embedding.count_tokens([self._in_front(section)])[0]
            self._rooms[section] = max(1, self._embedding.max_tokens - front)
        return self._rooms[section]

    def fit(self, passages: Sequence[Passage]) -> list[bool]:
        """Whether the embedder reads each to its end."""
        counts = self._embedding.count_tokens([self._in_front(one.section) + one.text for one in passages])
        return [count <= self._embedding.max_tokens for count in counts]

    def _in_front(self, section: str | None) -> str:
        return "".join(f"{field}\n" for field in (self._title, section) if field)
