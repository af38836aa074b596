"""`tunedd reindex` over stores that another service works on too."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread

from tests.long_papers import long_paper
from tests.world import ROOT, ended, open_world

WITHIN = 120.0
WORDS = ("otter", "heron", "zebra", "walrus")


async def test_a_reindexing_that_another_start_gives_up_is_told_of(
    tmp_path: Path, postgres_url: str, weaviate_url: str
) -> None:
    urls: dict[str, Any] = {"database_url": postgres_url, "passages_url": weaviate_url}
    async with open_world(tmp_path, **urls) as services:
        for word in WORDS:
            paper = long_paper(tmp_path, f"{word}.pdf", pages=100, word=word)
            await ended(services, (await services.library.add(paper)).id)
        with _reindexing(tmp_path, **urls) as command:
            with anyio.fail_after(WITHIN):
                while len([*services.indexes]) == 1:
                    assert command.poll() is None, command.communicate()
                    await anyio.sleep(0.05)
            # One that knows nothing of `--all` is content with the index that serves.
            async with open_world(tmp_path, **urls) as other:
                assert len([*other.indexes]) == 1
                _, said = await to_thread.run_sync(lambda: command.communicate(timeout=WITHIN))
        assert "given the new index up" in said
        assert "Traceback" not in said
        assert command.returncode == 1


def _reindexing(home: Path, **urls: str) -> "subprocess.Popen[str]":
    """The real command."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TUNEDD_")}
    environment |= {f"TUNEDD_{name.upper()}": url for name, url in urls.items()}
    environment |= {"TUNEDD_HOME": str(home), "TUNEDD_EMBEDDING_MODEL": "mock:", "TUNEDD_CHAT_MODEL": "echo:"}
    return subprocess.Popen(
        [sys.executable, "-m", "tunedd_api", "reindex", "--all"],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
