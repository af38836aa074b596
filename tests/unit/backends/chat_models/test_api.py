"""Chat models behind the APIs of OpenAI and Anthropic, and what their failures mean."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from haystack.core.errors import PipelineRuntimeError
from haystack.dataclasses import ChatMessage, StreamingChunk

from tests.models import STAND_INS
from tests.servers.model_apis import anthropic_chat, openai_chat
from tests.servers.standin import BREAK, HANG, Reply, StandIn, standing_in
from tests.world import weightless
from tunedd_api.backends.model_files.weights import Weights
from tunedd_api.backends.models import ServedModel, UnknownChatModel, open_chat_model
from tunedd_api.backends.openai_compatible.address import Address
from tunedd_api.backends.openai_compatible.chat import openai_model
from tunedd_api.errors import ModelUnavailable

PATHS = {"openai stand-in": "/v1/chat/completions", "anthropic stand-in": "/v1/messages"}
CHATS = {"openai stand-in": openai_chat, "anthropic stand-in": anthropic_chat}
KEYS = {"openai stand-in": "TUNEDD_OPENAI_API_KEY", "anthropic stand-in": "TUNEDD_ANTHROPIC_API_KEY"}


@pytest.fixture(params=list(PATHS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@asynccontextmanager
async def opened(kind: str, home: Path, **settings: Any) -> AsyncIterator[tuple[StandIn, ServedModel]]:
    api, scheme, path = STAND_INS[kind]
    async with standing_in(api()) as server:
        url = f"{scheme}://127.0.0.1:{server.port}{path}?model=some-model"
        async with open_chat_model(weightless(home, chat_model=url, **settings), Weights(home)) as model:
            yield server, model


async def ask(model: ServedModel, pieces: list[str]) -> ChatMessage:
    async def take(chunk: StreamingChunk) -> None:
        pieces.append(chunk.content)

    data = {"messages": [ChatMessage.from_user("Hello?")], "streaming_callback": take}
    reply: ChatMessage = (await model.pipeline().run_async({"llm": data}))["llm"]["replies"][0]
    return reply


async def test_the_key_is_sent(kind: str, tmp_path: Path) -> None:
    keys = {"openai_api_key": "secret-1", "anthropic_api_key": "secret-1"}
    async with opened(kind, tmp_path, **keys) as (server, model):
        await model.check()
        await ask(model, [])
        for _, _, headers in server.seen:
            assert "secret-1" in headers.get("authorization", headers.get("x-api-key", ""))


async def test_usage_is_that_of_the_whole_answer(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as (_, model):
        usage = (await ask(model, [])).meta["usage"]
        assert (usage["prompt_tokens"], usage["completion_tokens"]) == (7, 3)


async def test_a_failure_before_the_first_word_is_tried_again(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as (server, model):
        whole, failures = CHATS[kind]("Yes."), iter([Reply.json({"error": {"message": "busy"}}, 503)])
        server.routes[PATHS[kind]] = lambda body: next(failures, whole)
        assert (await ask(model, [])).text == "Yes."


@pytest.mark.parametrize(
    ("status", "says"), [(401, "{key}"), (404, "no model 'some-model'"), (429, "refused"), (500, "refused")]
)
async def test_a_refusal_says_what_to_do(kind: str, tmp_path: Path, status: int, says: str) -> None:
    async with opened(kind, tmp_path) as (server, model):
        body = {"type": "error", "error": {"type": "x", "message": "no"}}
        server.routes[PATHS[kind]] = Reply.json(body, status)
        with pytest.raises(PipelineRuntimeError) as caught:
            await ask(model, [])
        assert caught.value.__cause__
        assert says.format(key=KEYS[kind]) in model.describe(caught.value.__cause__).message


@pytest.mark.parametrize(
    ("end", "says"),
    [(HANG, "fell silent"), (BREAK, "broke off|cannot be reached"), (None, "broke off")],
    ids=["hang", "cut", "end"],
)
async def test_an_answer_that_does_not_end_is_a_failure(
    kind: str, tmp_path: Path, end: str | None, says: str
) -> None:
    async with opened(kind, tmp_path, next_token_timeout=0.2) as (server, model):
        reply = CHATS[kind]("It ", end=end or HANG)
        pieces = reply.pieces if end else reply.pieces[:-1]
        server.routes[PATHS[kind]] = Reply(pieces=pieces, kind=reply.kind)
        written: list[str] = []
        with pytest.raises(PipelineRuntimeError) as caught:
            await ask(model, written)
        assert caught.value.__cause__
        assert re.search(says, model.describe(caught.value.__cause__).message)
        assert "".join(written) == "It "


async def test_a_server_that_never_begins_is_given_up(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path, first_token_timeout=0.2) as (server, model):
        server.routes[PATHS[kind]] = Reply(pieces=[HANG])
        with pytest.raises(PipelineRuntimeError) as caught:
            await ask(model, [])
        assert caught.value.__cause__
        assert "TUNEDD_FIRST_TOKEN_TIMEOUT" in model.describe(caught.value.__cause__).message


async def test_leaving_an_answer_stops_the_server(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as (server, model):
        server.routes[PATHS[kind]] = CHATS[kind]("It ", end=HANG)
        pieces: list[str] = []
        asking = asyncio.create_task(ask(model, pieces))
        with anyio.fail_after(10):
            while not "".join(pieces):
                await anyio.sleep(0.01)
            asking.cancel()
            await server.left.wait()


async def test_a_client_that_cannot_be_made_is_told_of(tmp_path: Path) -> None:
    model = openai_model(Address(url="http://host:abc/v1", model="some-model"), weightless(tmp_path))
    with pytest.raises(ModelUnavailable, match="some-model failed: Invalid port"):
        await model.check()


@pytest.mark.parametrize(
    "url", ["anthropic:", "anthropic:?model=", "anthropic+http:?model=x", "ollama://host"]
)
async def test_a_wrong_url_names_the_setting(url: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownChatModel, match="TUNEDD_CHAT_MODEL"):
        async with open_chat_model(weightless(tmp_path, chat_model=url), Weights(tmp_path)):
            pass
