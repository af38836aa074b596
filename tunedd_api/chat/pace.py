"""When a chat model's first token came, and its last."""

import time

from tunedd_api.chat.model import Part, Token
from tunedd_api.measures import AnswerStage, Measures


class Pace:
    """Begins when the model is asked. A model that never writes a word has no pace."""

    def __init__(self, measures: Measures) -> None:
        self._measures = measures
        self._since = time.monotonic()
        self._writing = False

    def take(self, part: Part) -> None:
        if not self._writing and isinstance(part, Token):
            self._writing = True
            self._tell(AnswerStage.FIRST_TOKEN)

    def end(self) -> None:
        if self._writing:
            self._tell(AnswerStage.WRITING)

    def _tell(self, stage: AnswerStage) -> None:
        now = time.monotonic()
        self._measures.took(stage, now - self._since)
        self._since = now
