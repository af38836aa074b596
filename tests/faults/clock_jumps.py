"""
Sets the clock of a running service a day ahead and a day back, in the middle of indexing and of answers:
nothing is done twice, lost or stuck, messages keep their order, and no time limit strikes.

    python -m tests.faults.clock_jumps --models var/test-models

Needs libfaketime (Debian: `apt-get install faketime`); it says so and ends well without it.
"""

import argparse
import os
import time
from collections import Counter
from glob import glob
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import httpx

from tests.faults.contents import short_papers
from tests.faults.findings import Findings, run
from tests.faults.invariants import violations
from tests.faults.life import WITHIN, Life, start
from tests.faults.promises import all_documents, settle

LIBRARY = "/usr/lib/*/faketime/libfaketimeMT.so.1"
JUMPS = ("+1d", "-1d", "+0", "+400d", "-1h", "+0")
LASTS = 1.5
"""Seconds that the clock stays wrong."""
TINY = "llama:smollm2-135m-instruct"
SUSPICIOUS = ("reading.timeout", "document.lost", "document.failed", "indexing.paused", "model.stopped")


def check(findings: Findings, models: Path) -> None:
    library = next(iter(glob(LIBRARY)), None)
    if library is None:
        raise PermissionError("libfaketime is not installed")
    with TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "papers").mkdir()
        clock = place / "clock"
        _set(clock, "+0")
        life = start(
            place / "home",
            place / "papers",
            models,
            place / "log",
            TUNEDD_CHAT_MODEL=TINY,
            TUNEDD_ANSWER_TOKENS="64",
            LD_PRELOAD=library,
            FAKETIME_TIMESTAMP_FILE=str(clock),
            FAKETIME_NO_CACHE="1",
            # Only the clock on the wall jumps; the one that measures intervals never does.
            FAKETIME_DONT_FAKE_MONOTONIC="1",
        )
        try:
            _jump(findings, life, clock)
            findings.nothing(
                "nothing is half, lost, twice or stuck", violations(place / "home", settled=True)
            )
        finally:
            life.kill()


def _jump(findings: Findings, life: Life, clock: Path) -> None:
    with httpx.Client(base_url=life.address(), timeout=WITHIN) as client:
        sent = [_upload(client, 0)]
        settle(client)
        conversation = str(client.post("/conversations", json={}).json()["id"])
        answers: list[dict[str, Any]] = []
        for number, offset in enumerate(JUMPS, 1):
            sent += [_upload(client, 10 * number + copy) for copy in range(2)]
            asking = Thread(target=_ask, args=(str(client.base_url), conversation, answers))
            asking.start()
            time.sleep(0.4)
            _set(clock, offset)
            time.sleep(LASTS)
            asking.join(WITHIN)
        settle(client)
        _judge(findings, client, sent, conversation, answers)
    indexed = Counter(event["document"] for event in life.events() if event["event"] == "document.indexed")
    findings.expect("each paper was indexed once", set(indexed.values()) == {1}, seen=indexed)
    stamps = [str(event["timestamp"]) for event in life.events() if "timestamp" in event]
    findings.expect("the clock did jump", stamps != sorted(stamps), seen=stamps[:3])
    odd = [e for e in life.events() if e["event"] in SUSPICIOUS or e.get("level") == "error"]
    findings.expect("the log tells of nothing that failed", not odd, seen=odd)


def _judge(
    findings: Findings,
    client: httpx.Client,
    sent: list[str],
    conversation: str,
    answers: list[dict[str, Any]],
) -> None:
    documents = all_documents(client)
    findings.expect("every paper is there once", sorted(one["id"] for one in documents) == sorted(sent))
    states = Counter(one["status"] for one in documents)
    findings.expect("all are ready", set(states) == {"ready"}, seen=states)
    history = client.get(f"/conversations/{conversation}/messages").json()
    roles = [one["role"] for one in history]
    findings.expect("messages keep their order", roles == ["user", "assistant"] * len(JUMPS), seen=roles)
    asked = [one["content"] for one in history[::2]]
    findings.expect("so do the questions", asked == [_question(n) for n in range(len(JUMPS))], seen=asked)
    ends = [answer.get("status") for answer in answers]
    findings.expect("every answer is complete", ends == ["complete"] * len(JUMPS), seen=answers)


def _upload(client: httpx.Client, number: int) -> str:
    papers = short_papers()
    data = papers[number % len(papers)] + f"\n% {number}\n".encode()
    response = client.post("/documents", files={"file": (f"{number}.pdf", data)})
    assert response.status_code == httpx.codes.ACCEPTED, response.text
    return str(response.json()["id"])


def _ask(address: httpx.URL | str, conversation: str, answers: list[dict[str, Any]]) -> None:
    body = {"content": _question(len(answers))}
    response = httpx.post(f"{address}/conversations/{conversation}/messages", json=body, timeout=WITHIN)
    answers.append(response.json())


def _question(number: int) -> str:
    return f"How is a quotation verified, part {number}?"


def _set(clock: Path, offset: str) -> None:
    """At once, so that nobody reads half of it."""
    new = clock.with_suffix(".new")
    new.write_text(offset)
    os.replace(new, clock)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--models", type=Path, default=Path("var/test-models"))
    run(check, parser.parse_args().models.absolute())


if __name__ == "__main__":
    main()
