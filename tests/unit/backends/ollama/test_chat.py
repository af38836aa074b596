"""Answering on an Ollama server: what it is asked, and what becomes of what it answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from haystack.core.errors import PipelineRuntimeError
from haystack.dataclasses import ChatMessage, StreamingChunk

from tests.models import ollama_stand_in, there
from tests.servers import model_apis
from tests.servers.model_apis import OLLAMA_END, ollama_chat, ollama_piece
from tests.servers.standin import BREAK, HANG, Reply, StandIn, standing_in
from tests.world import weightless
from tunedd_api.backends.model_files.weights import Weights
from tunedd_api.backends.models import ServedModel, open_chat_model
from tunedd_api.errors import ModelUnavailable

MODEL = "some-model:latest"


@asynccontextmanager
async def opened(port: int, home: Path, **settings: Any) -> AsyncIterator[ServedModel]:
    url = f"ollama://127.0.0.1:{port}?model=some-model"
    async with open_chat_model(weightless(home, chat_model=url, **settings), Weights(home)) as model:
        yield model


async def ask(model: ServedModel, pieces: list[str] | None = None) -> ChatMessage:
    async def take(chunk: StreamingChunk) -> None:
        if pieces is not None:
            pieces.append(chunk.content)

    data = {"messages": [ChatMessage.from_user("Hello?")], "streaming_callback": take}
    reply: ChatMessage = (await model.pipeline().run_async({"llm": data}))["llm"]["replies"][0]
    return reply


async def failure(model: ServedModel, pieces: list[str] | None = None) -> str:
    """What is said of a question that fails."""
    with pytest.raises(PipelineRuntimeError) as caught:
        await ask(model, pieces)
    assert caught.value.__cause__
    return model.describe(caught.value.__cause__).message


async def reason(model: ServedModel, part: str) -> None:
    """Waits until the model is not there for this reason."""
    with anyio.fail_after(10):
        while True:
            with pytest.raises(ModelUnavailable) as caught:
                await model.check()
            if part in caught.value.message:
                return
            await anyio.sleep(0.02)


async def warm(server: StandIn) -> None:
    """Returns once the model was loaded."""
    with anyio.fail_after(10):
        while not server.bodies("/api/chat"):
            await anyio.sleep(0.02)


@pytest.mark.parametrize(
    ("context", "settings", "options", "prompt"),
    [
        (131_072, {}, {"num_ctx": 8192, "num_predict": 512}, 7680),
        (4096, {}, {"num_ctx": 4096, "num_predict": 512}, 3584),
        (512, {}, {"num_ctx": 512, "num_predict": 256}, 256),
        (4096, {"context_tokens": 2048, "answer_tokens": 100}, {"num_ctx": 2048, "num_predict": 100}, 1948),
    ],
)
async def test_prompt_and_answer_fit_what_the_model_reads(
    tmp_path: Path, context: int, settings: dict[str, Any], options: dict[str, int], prompt: int
) -> None:
    info = {"general.architecture": "phi3", "phi3.context_length": context}
    async with (
        ollama_stand_in(MODEL, model_info=info) as server,
        opened(server.port, tmp_path, **settings) as model,
    ):
        await there(model)
        assert model.prompt_tokens == prompt
        await ask(model)
        sent = server.bodies("/api/chat")[-1]
        assert sent["options"] == {"temperature": 0, **options}
        assert (sent["model"], sent["keep_alive"], sent["stream"]) == (MODEL, "30m", True)


async def test_it_is_loaded_before_the_first_question_as_it_will_be_used(tmp_path: Path) -> None:
    async with ollama_stand_in(MODEL) as server, opened(server.port, tmp_path, ollama_keep_alive="-1"):
        await warm(server)
        sent = server.bodies("/api/chat")[0]
        assert sent["keep_alive"] == -1
        assert (sent["options"]["num_ctx"], sent["options"]["num_predict"]) == (512, 1)


@pytest.mark.parametrize(
    ("capabilities", "tools"), [(["completion"], False), (["completion", "tools"], True)]
)
async def test_tools_are_offered_to_models_that_can_call_them(
    tmp_path: Path, capabilities: list[str], tools: bool
) -> None:
    async with (
        ollama_stand_in(MODEL, capabilities=capabilities) as server,
        opened(server.port, tmp_path) as model,
    ):
        await there(model)
        assert model.calls_tools is tools


async def test_every_tool_call_of_a_stream_arrives(tmp_path: Path) -> None:
    calls = [
        {"function": {"name": "list_papers", "arguments": {}}},
        {"function": {"name": "paper_details", "arguments": {"document_id": "x"}}},
    ]
    async with ollama_stand_in(MODEL) as server, opened(server.port, tmp_path) as model:
        await there(model)
        server.routes["/api/chat"] = Reply.lines(ollama_piece("", tool_calls=calls), OLLAMA_END)
        made = (await ask(model)).tool_calls
        assert [(call.tool_name, call.arguments) for call in made] == [
            ("list_papers", {}),
            ("paper_details", {"document_id": "x"}),
        ]


async def test_a_failure_before_the_first_word_is_tried_again(tmp_path: Path) -> None:
    async with ollama_stand_in(MODEL) as server, opened(server.port, tmp_path) as model:
        await there(model)
        await warm(server)
        whole, failures = ollama_chat("Yes."), iter([Reply.json({"error": "busy"}, 503)])
        server.routes["/api/chat"] = lambda body: next(failures, whole)
        assert (await ask(model)).text == "Yes."


@pytest.mark.parametrize(
    ("reply", "says", "written"),
    [
        (Reply.json({"error": f"model '{MODEL}' not found"}, 404), f"ollama pull {MODEL}", ""),
        (Reply.json({"error": "out of memory"}, 500), "out of memory", ""),
        (Reply(pieces=[b"<html>"]), "is not Ollama", ""),
        (Reply(pieces=[HANG]), "TUNEDD_FIRST_TOKEN_TIMEOUT", ""),
        (ollama_chat("It ", end=HANG), "fell silent in the middle", "It "),
        (ollama_chat("It ", end=BREAK), "broke off", "It "),
        (Reply.lines(ollama_piece("It ")), "broke off", "It "),
        (Reply.lines(ollama_piece("It "), {"error": "runner died"}), "runner died", "It "),
        (Reply.lines(ollama_piece("It "), "nonsense"), "broke", "It "),
    ],
    ids=["missing", "500", "page", "hang", "silence", "cut", "no end", "error", "garbage"],
)
async def test_a_failure_says_what_to_do(tmp_path: Path, reply: Reply, says: str, written: str) -> None:
    patience = {"first_token_timeout": 0.3, "next_token_timeout": 0.2}
    async with ollama_stand_in(MODEL) as server, opened(server.port, tmp_path, **patience) as model:
        await there(model)
        await warm(server)
        server.routes["/api/chat"] = reply
        pieces: list[str] = []
        assert says in await failure(model, pieces)
        assert "".join(pieces) == written


async def test_leaving_an_answer_stops_the_server(tmp_path: Path) -> None:
    async with ollama_stand_in(MODEL) as server, opened(server.port, tmp_path) as model:
        await there(model)
        await warm(server)
        server.routes["/api/chat"] = ollama_chat("It ", end=HANG)
        server.left.clear()
        pieces: list[str] = []
        asking = asyncio.create_task(ask(model, pieces))
        with anyio.fail_after(10):
            while not pieces:
                await anyio.sleep(0.01)
            asking.cancel()
            await server.left.wait()


async def test_a_server_that_is_not_there_is_waited_for(tmp_path: Path, free_tcp_port: int) -> None:
    async with opened(free_tcp_port, tmp_path) as model:
        await reason(model, "cannot be reached")
        with pytest.raises(ModelUnavailable, match="TUNEDD_CHAT_MODEL"):
            model.pipeline()
        async with standing_in(model_apis.ollama(MODEL), port=free_tcp_port):
            await there(model)
            assert (await ask(model)).text == "Agents work together."
        assert "cannot be reached" in await failure(model)


async def test_a_missing_model_is_pulled_where_that_is_allowed(tmp_path: Path) -> None:
    async with ollama_stand_in() as server:
        progress = {"status": "pulling", "total": 2_200_000_000, "completed": 880_000_000}
        server.routes["/api/pull"] = Reply.lines(progress, end=HANG)
        async with opened(server.port, tmp_path, ollama_pull=True) as model:
            await reason(model, "it is being pulled (40 % of 2.2 GB)")
            server.routes |= model_apis.ollama(MODEL)
            server.break_all()
            await there(model)


async def test_a_pull_that_fails_says_why(tmp_path: Path) -> None:
    async with ollama_stand_in() as server:
        server.routes["/api/pull"] = Reply.lines({"error": "pull model manifest: file does not exist"})
        async with opened(server.port, tmp_path, ollama_pull=True) as model:
            await reason(model, "file does not exist")


async def test_without_leave_it_says_what_to_run(tmp_path: Path) -> None:
    async with ollama_stand_in() as server, opened(server.port, tmp_path) as model:
        await reason(model, f"ollama pull {MODEL}")
        assert not server.bodies("/api/pull")
