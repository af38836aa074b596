"""The supervisor of the language model's process, with processes that misbehave."""

import sys
from pathlib import Path

import anyio
import pytest

from tunedd_api.backends.llama_server import LlamaServer, LlamaSettings
from tunedd_api.errors import ModelStarting, ModelUnavailable

SETTINGS = LlamaSettings(
    name="model",
    file=Path("nowhere.gguf"),
    context_tokens=2048,
    answer_tokens=16,
    places=1,
    threads=1,
    timeout=5,
)
GARBAGE = "import sys; print('Welcome!'); sys.stdin.read()"
NOBODY = """import sys; print('{"address": "http://127.0.0.1:9"}', flush=True); sys.stdin.read()"""
DYING = """print('{"address": "http://127.0.0.1:9"}', flush=True)"""
COMPLAINING = "import sys; sys.stderr.write('0.1 E load error: no such model\\n'); sys.exit(1)"


@pytest.mark.parametrize(
    "script",
    ["exit(1)", GARBAGE, NOBODY, DYING, COMPLAINING],
    ids=["dies", "garbage", "nobody", "late", "says"],
)
async def test_a_process_that_misbehaves_at_its_start_is_tried_again_and_told_of(script: str) -> None:
    server = LlamaServer(SETTINGS, command=[sys.executable, "-c", script])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.run)
        with anyio.fail_after(60):
            while True:
                with pytest.raises(ModelUnavailable) as caught:
                    await server.check()
                if not isinstance(caught.value, ModelStarting):
                    break
                await anyio.sleep(0.02)
        assert "it is being restarted" in caught.value.message
        if script == COMPLAINING:
            assert "no such model" in caught.value.message
        tasks.cancel_scope.cancel()
    assert server.pid is None


async def test_before_its_first_life_it_is_starting() -> None:
    with pytest.raises(ModelStarting):
        await LlamaServer(SETTINGS).check()
