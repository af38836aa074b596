"""What a script saw: each expectation as a sentence, and whether it held."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tunedd_api.cli.terminal import say

DETAIL = 600
"""Characters told of what was seen instead."""


@dataclass
class Findings:
    broken: list[str] = field(default_factory=list)
    kept: int = 0

    def expect(self, sentence: str, holds: object, *, seen: object = "") -> None:
        if holds:
            self.kept += 1
            say(f"  yes  {sentence}")
        else:
            self.broken.append(sentence)
            say(f"  NO   {sentence}; seen: {str(seen)[:DETAIL]}")

    def nothing(self, sentence: str, violations: list[str]) -> None:
        self.expect(sentence, not violations, seen=violations)

    def end(self) -> None:
        """Ends the script: with status 1 if anything did not hold."""
        say(f"{self.kept} held, {len(self.broken)} did not.")
        sys.exit(1 if self.broken else 0)


def run(script: Callable[..., None], *arguments: Any) -> None:
    """Runs a script with findings of its own; where it cannot run here it says why and ends well."""
    findings = Findings()
    try:
        script(findings, *arguments)
    except PermissionError as error:
        say(f"Skipped: {error}.")
        sys.exit(0)
    findings.end()
