"""Does a service that was killed and started again keep what clients were told?"""

import hashlib
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx

from tests.faults.ledger import Ledger, Paper
from tests.faults.life import WITHIN, Stuck
from tests.serving import events


def broken_promises(client: httpx.Client, ledger: Ledger) -> list[str]:
    """What holds from the moment that the port is open. What was in doubt is taken as it is found."""
    documents = all_documents(client)
    ids = [document["id"] for document in documents]
    found = [f"twice: document {id} is listed {n} times." for id, n in Counter(ids).items() if n > 1]
    for id, paper in ledger.papers.items():
        if paper.present is None:
            _resolve(paper, there=id in ids)
        elif paper.present and id not in ids:
            found.append(f"lost: document {id} was accepted and is not there.")
            paper.present = None
        elif not paper.present and id in ids:
            found.append(f"remains: document {id} was deleted and is there.")
            paper.present = True
    return [*found, *_broken_histories(client, ledger)]


def broken_outcomes(client: httpx.Client, ledger: Ledger) -> Iterator[str]:
    """What holds once nothing is left to do."""
    documents = {document["id"]: document for document in all_documents(client)}
    for id, paper in ledger.papers.items():
        if paper.excused:
            continue
        if paper.in_folder and not paper.deleted and id not in documents:
            yield f"lost: document {id} lies in the folder and is not in the library."
        if id in documents and (wrong := _wrong_outcome(documents[id], paper)):
            paper.excused = True
            yield f"{wrong}: document {id} is {documents[id]['status']} ({documents[id]['error']})."
    for id in list(documents)[:3]:
        content = client.get(f"/documents/{id}/file").content
        if id in ledger.papers and ledger.papers[id].content.sha256 != hashlib.sha256(content).hexdigest():
            yield f"lost: the file of document {id} has another content."
    if ledger.questions and any(one["status"] == "ready" for one in documents.values()):
        yield from _broken_follow_up(client, ledger.questions[-1].conversation)


def settle(client: httpx.Client) -> dict[str, Any]:
    """Waits until nothing is left to do; what /ready then says."""
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        answer: dict[str, Any] = client.get("/ready").json()
        if answer["ready"] and not answer["reindexing"]:
            return answer
        time.sleep(0.1)
    raise Stuck(f"It never became ready: {answer}")


def _resolve(paper: Paper, *, there: bool) -> None:
    """What was in doubt may have happened or not, but from now on it stays as it is found."""
    paper.deleted = paper.deleted or (paper.deleting and not there)
    if there or paper.deleted or not paper.in_folder:
        paper.present = there


def all_documents(client: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/documents", params={"limit": 1000}).json()
    return found


def _wrong_outcome(document: dict[str, Any], paper: Paper) -> str | None:
    match document["status"]:
        case "ready":
            return None if paper.content.good else "read"
        case "failed":
            return "failed" if paper.content.good or not document["error"] else None
        case _:
            return "stuck"


def _broken_histories(client: httpx.Client, ledger: Ledger) -> Iterator[str]:
    histories: dict[str, list[dict[str, Any]]] = {}
    for question in ledger.questions:
        if question.conversation not in histories:
            answer = client.get(f"/conversations/{question.conversation}/messages")
            histories[question.conversation] = answer.json() if answer.status_code == 200 else []
        history = histories[question.conversation]
        at = next((n for n, one in enumerate(history) if one["id"] == question.message), None)
        if at is None or history[at - 1]["content"] != question.content:
            yield f"lost: a question of conversation {question.conversation} is not in its history."
        elif history[at]["status"] == "running":
            yield f"stuck: message {question.message} is running after a restart."
        elif question.answer is not None and history[at]["content"] != question.answer:
            yield f"lost: message {question.message} is not what was sent with `done`."


def _broken_follow_up(client: httpx.Client, conversation: str) -> Iterator[str]:
    url = f"/conversations/{conversation}/messages/stream"
    with client.stream("POST", url, json={"content": "And after all this?"}) as response:
        names = [name for name, _ in events(response.iter_lines())]
    if names[-1:] != ["done"]:
        yield f"stuck: a follow-up in conversation {conversation} ended with {names[-1:]}."
