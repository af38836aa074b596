"""An answer on the wire: what is sent to a follower that keeps up, that is slow, and that waits."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.api import events
from tunedd_api.chat.model import Done, Failed, Message, MessageStatus, Queued, Role, Token, ToolUse, ToolUsed
from tunedd_api.chat.run import Run
from tunedd_api.chat.stream import EventStream


@pytest.fixture
async def run() -> Run:
    answer = Message(
        id="m", role=Role.ASSISTANT, content="", created_at=datetime.now(UTC), status=MessageStatus.RUNNING
    )
    return Run("c", answer)


def sent(chunk: Any) -> list[tuple[int, str, Any]]:
    return events(bytes(chunk).decode())


def chunks(run: Run, ping_every: float = 60) -> AsyncIterator[Any]:
    return aiter(EventStream(run, ping_every=ping_every).body_iterator)


async def test_one_that_keeps_up_gets_every_event_by_itself(run: Run) -> None:
    following = chunks(run)
    assert sent(await anext(following)) == [(1, "run", {"conversation_id": "c", "message_id": "m"})]
    for number, text in enumerate(("One", " two"), 2):
        run.take(Token(text=text))
        assert sent(await anext(following)) == [(number, "token", {"text": text})]
    run.tell(Done(message=run.message))
    ((number, name, data),) = sent(await anext(following))
    assert (number, name, data["message"]["content"]) == (4, "done", "One two")
    with pytest.raises(StopAsyncIteration):
        await anext(following)


async def test_one_that_is_slow_gets_neighbouring_tokens_as_one_in_their_order(run: Run) -> None:
    use = ToolUse(name="list_papers", arguments={}, result=[])
    for part in (Queued(position=1), Token(text="a"), Token(text="b"), ToolUsed(tool=use), Token(text="c")):
        run.take(part)
    run.tell(Failed(error="ModelUnavailable", message="It stopped.", retryable=True))
    (chunk,) = [chunk async for chunk in chunks(run)]
    assert [(number, name) for number, name, _ in sent(chunk)] == [
        (1, "run"),
        (2, "queued"),
        (4, "token"),
        (5, "tool"),
        (6, "token"),
        (7, "error"),
    ]
    assert [data["text"] for _, name, data in sent(chunk) if name == "token"] == ["ab", "c"]


async def test_text_of_several_lines_and_scripts_stays_one_event(run: Run) -> None:
    text = "one\n\ndata: two\r\nthree\u2028🙂 {}"
    run.take(Token(text=text))
    assert sent(await anext(chunks(run)))[1] == (2, "token", {"text": text})


async def test_one_that_waits_hears_that_the_line_is_open(run: Run) -> None:
    following = chunks(run, ping_every=0.01)
    await anext(following)
    assert await anext(following) == b": ping\n\n"
    run.take(Token(text="late"))
    assert b"late" in await anext(following)
