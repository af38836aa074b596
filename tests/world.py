"""A whole service for tests: real stores and readers, models without weights, the sample papers."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
from haystack import Pipeline
from haystack.components.generators.chat import MockChatGenerator
from haystack.dataclasses import ChatMessage

from tunedd_api.app import create_app
from tunedd_api.bootstrap import Services, open_services
from tunedd_api.errors import ModelUnavailable
from tunedd_api.library.model import Document, Status
from tunedd_api.settings import Settings

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "data" / "samples"
SHARED = ROOT.parent / "shared"
PAPERS = SHARED / "papers" / "ai-agents"


def weightless(home: Path, **changes: Any) -> Settings:
    """Settings for a service that needs no model files; `.env` of the checkout is not read."""
    values: dict[str, Any] = {
        "_env_file": None,
        "home": home,
        "papers": home / "papers",
        "embedding_model": "mock:",
        "chat_model": "echo:",
        **changes,
    }
    return Settings(**values)


@asynccontextmanager
async def open_world(home: Path, *, works: bool = True, **changes: Any) -> AsyncIterator[Services]:
    async with open_services(weightless(home, **changes), works=works) as services:
        yield services


@asynccontextmanager
async def open_client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, without a network; its folder is synced and indexed."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            await indexed(app.state.services)
            yield client


async def add_samples(services: Services) -> list[Document]:
    """The two sample papers, added and indexed, in the order of their names."""
    added = [await services.library.add(path) for path in sorted(SAMPLES.glob("*.pdf"))]
    return [await ended(services, document.id) for document in added]


async def ended(services: Services, document_id: str) -> Document:
    """The document once it is ready or failed."""
    with anyio.fail_after(60):
        while True:
            document = await services.library.get(document_id)
            if document.status in (Status.READY, Status.FAILED):
                return document
            await anyio.sleep(0.01)


async def indexed(services: Services) -> None:
    """Returns once nothing is left to index."""
    with anyio.fail_after(60):
        while not (await services.library.progress()).complete:
            await anyio.sleep(0.01)


class ScriptedModel:
    """A chat model that gives prepared replies, one a call, and remembers its prompts."""

    name = "scripted"
    places = 1

    def __init__(
        self,
        replies: Sequence[str | ChatMessage] = ("Yes.",),
        *,
        calls_tools: bool = False,
        prompt_tokens: int = 8000,
    ) -> None:
        self.calls_tools = calls_tools
        self.prompt_tokens = prompt_tokens
        self.prompts: list[list[ChatMessage]] = []
        self.offered: list[list[str]] = []
        self._replies = iter(replies)
        self._pipeline = Pipeline()
        self._pipeline.add_component("llm", MockChatGenerator(response_fn=self._reply))

    def pipeline(self) -> Pipeline:
        return self._pipeline

    def describe(self, error: BaseException) -> ModelUnavailable:
        return ModelUnavailable(f"The model failed: {error}")

    def _reply(self, messages: list[ChatMessage], tools: Any) -> str | ChatMessage:
        self.prompts.append(list(messages))
        self.offered.append([tool.name for tool in tools or ()])
        return next(self._replies)
