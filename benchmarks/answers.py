"""
Asks a file of questions through the API of a real service, and counts what comes back.

A question counts as answered when its answer matches every regular expression of its `key_facts`, and its
page as found when a gold page is among the first five sources. The earlier questions of a follow-up are asked
first, in the same conversation.
"""

import argparse
import json
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.service import running_service

FIRST = 5


@dataclass(frozen=True, kw_only=True)
class Result:
    id: str
    kind: str
    answerable: bool
    facts: bool
    page: bool
    all_pages: bool
    first_token: float
    """Seconds."""
    whole: float
    """Seconds."""
    answer: str


def main() -> None:
    arguments = _arguments()
    questions = [json.loads(line) for line in arguments.questions.read_text("utf-8").splitlines()]
    with running_service(arguments.papers, arguments.models) as client:
        files = {document["id"]: document["file"] for document in client.get("/documents").json()}
        results = []
        for question in questions:
            results.append(result := _ask(client, question, files))
            _say(f"{result.id} {result.kind:28} facts {_mark(result.facts)}  page {_mark(result.page)}")
    if arguments.output:
        arguments.output.write_text("".join(json.dumps(asdict(result)) + "\n" for result in results), "utf-8")
    _report(results)


def _ask(client: httpx.Client, question: Mapping[str, Any], files: Mapping[str, str]) -> Result:
    conversation = client.post("/conversations", json={}).json()["id"]
    for earlier in question.get("history", []):
        if earlier["role"] == "user":
            _answer(client, conversation, earlier["content"])
    sources, answer, first, whole = _answer(client, conversation, question["question"])
    pages = [(files[source["document_id"]], source["page"]) for source in sources[:FIRST]]
    gold = {tuple(page) for page in question["pages"]}
    also = {tuple(page) for page in question.get("alt_pages", [])}
    return Result(
        id=question["id"],
        kind=question["kind"],
        answerable=question["answerable"],
        facts=all(re.search(fact, answer, re.IGNORECASE) for fact in question["key_facts"]),
        page=any(page in gold | also for page in pages),
        all_pages=gold <= set(pages),
        first_token=first,
        whole=whole,
        answer=answer,
    )


def _answer(
    client: httpx.Client, conversation: str, content: str
) -> tuple[list[dict[str, Any]], str, float, float]:
    started, first = time.monotonic(), 0.0
    sources: list[dict[str, Any]] = []
    text = ""
    url = f"/conversations/{conversation}/messages/stream"
    with client.stream("POST", url, json={"content": content}) as response:
        name = ""
        for line in response.iter_lines():
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                data = json.loads(value)
                if name == "sources":
                    sources = data["sources"]
                elif name == "token":
                    first = first or time.monotonic() - started
                    text += data["text"]
                elif name == "error":
                    raise RuntimeError(f"{data['error']}: {data['message']}")
    return sources, text, first, time.monotonic() - started


def _report(results: list[Result]) -> None:
    _say(f"\n{'kind':28} {'questions':>9} {'all facts':>9} {'gold page':>9}")
    for kind in [*dict.fromkeys(result.kind for result in results), "all"]:
        of_kind = [result for result in results if kind in (result.kind, "all")]
        answerable = [result for result in of_kind if result.answerable]
        pages = f"{sum(result.page for result in answerable)}/{len(answerable)}"
        _say(f"{kind:28} {len(of_kind):9} {sum(result.facts for result in of_kind):9} {pages:>9}")
    answerable = [result for result in results if result.answerable]
    recall = sum(result.page for result in answerable) / len(answerable)
    strict = sum(result.all_pages for result in answerable) / len(answerable)
    _say(f"\npage recall@{FIRST} {recall:.3f}; all gold pages {strict:.3f}")
    for name in ("first_token", "whole"):
        times = sorted(getattr(result, name) for result in results)
        _say(f"{name}: median {times[len(times) // 2]:.1f} s, slowest {times[-1]:.1f} s")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("papers", type=Path, help="folder of the papers asked about")
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=Path("var/models"))
    parser.add_argument("--output", type=Path, help="every answer, as JSON lines")
    return parser.parse_args()


def _mark(good: bool) -> str:
    return "yes" if good else "no "


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
