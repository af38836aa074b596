"""Chat models by URL, and what their failures mean."""

import asyncio
from pathlib import Path

import httpx2
import openai
import pytest

from tests.world import weightless
from tunedd_api.backends.model_files.catalog import UnknownModel
from tunedd_api.backends.model_files.weights import Weights
from tunedd_api.backends.models import UnknownChatModel, open_chat_model
from tunedd_api.errors import ModelUnavailable


@pytest.mark.parametrize(
    "url",
    [
        "",
        "magic:",
        "llama:",
        "openai+https://host/v1",
        "openai+https:?model=x",
        *(
            f"{scheme}://{place}?model=x"
            for scheme in ("openai+http", "anthropic+http", "ollama")
            for place in ("[::1", "[h/v1", "h:abc/v1", "h:99999/v1", "256.256.256.256/v1")
        ),
    ],
)
async def test_an_unknown_url_names_the_setting(url: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownChatModel, match="TUNEDD_CHAT_MODEL"):
        async with open_chat_model(weightless(tmp_path, chat_model=url), Weights(tmp_path)):
            pass


async def test_a_model_nobody_knows_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match="gpt-17"):
        async with open_chat_model(weightless(tmp_path, chat_model="llama:gpt-17"), Weights(tmp_path)):
            pass


async def test_a_model_whose_files_are_missing_says_how_to_fetch_them(tmp_path: Path) -> None:
    settings = weightless(tmp_path, chat_model="llama:smollm2-135m-instruct")
    async with open_chat_model(settings, Weights(tmp_path)) as model:
        with pytest.raises(ModelUnavailable, match="tunedd models pull smollm2-135m-instruct"):
            await model.check()
        with pytest.raises(ModelUnavailable):
            model.pipeline()


async def test_a_server_that_is_not_there_is_told_of(tmp_path: Path, free_tcp_port: int) -> None:
    url = f"openai+http://127.0.0.1:{free_tcp_port}/v1?model=some-model"
    async with open_chat_model(weightless(tmp_path, chat_model=url), Weights(tmp_path)) as model:
        assert (model.name, model.calls_tools) == ("some-model", True)
        with pytest.raises(ModelUnavailable, match="cannot be reached"):
            await model.check()


async def test_a_server_that_never_answers_is_told_of(tmp_path: Path) -> None:
    async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(stay_silent, "127.0.0.1", 0)
    url = f"openai+http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1?model=some-model"
    async with server, open_chat_model(weightless(tmp_path, chat_model=url), Weights(tmp_path)) as model:
        with pytest.raises(ModelUnavailable, match="in time"):
            await model.check()


@pytest.mark.parametrize(
    ("kind", "status", "says"),
    [
        (openai.AuthenticationError, 401, "TUNEDD_OPENAI_API_KEY"),
        (openai.NotFoundError, 404, "no model 'some-model'"),
        (openai.RateLimitError, 429, "refused"),
        (openai.InternalServerError, 500, "refused"),
    ],
)
async def test_a_refusal_says_what_to_do(
    tmp_path: Path, kind: type[openai.APIStatusError], status: int, says: str
) -> None:
    url = "openai+https://host.example/v1?model=some-model"
    request = httpx2.Request("POST", "https://host.example/v1")
    error = kind("no", response=httpx2.Response(status, request=request), body=None)
    async with open_chat_model(weightless(tmp_path, chat_model=url), Weights(tmp_path)) as model:
        assert says in model.describe(error).message


async def test_a_pipeline_of_the_echo_model_repeats_the_prompt(tmp_path: Path) -> None:
    async with open_chat_model(weightless(tmp_path), Weights(tmp_path)) as model:
        await model.check()
        result = await model.pipeline().run_async({"llm": {"messages": "Hello?"}})
        assert result["llm"]["replies"][0].text == "Hello?"
