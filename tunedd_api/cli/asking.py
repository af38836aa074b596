"""`tunedd search` and `tunedd ask`: the commands that read the library."""

import sys
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import anyio
import typer
from pydantic import TypeAdapter

from tunedd_api.chat.model import Failed, Message, SourcesFound, Token
from tunedd_api.cli.terminal import quiet_settings, remarks, say
from tunedd_api.cli.weights import pull_missing
from tunedd_api.errors import ModelStarting, Unavailable
from tunedd_api.library.model import Hit
from tunedd_api.settings import Settings
from tunedd_api.visible import visible

if TYPE_CHECKING:
    from tunedd_api.bootstrap import Services

Documents = Annotated[list[str] | None, typer.Option("--document", help="Only this document (repeatable).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SHOWN = 240
"""Characters of a passage that a listing shows."""
MODEL_WITHIN = 300.0


def search(
    question: str,
    document: Documents = None,
    limit: Annotated[int, typer.Option(min=1, max=50)] = 5,
    as_json: AsJson = False,
) -> None:
    """Finds the passages that answer a question best."""
    settings = quiet_settings()
    hits = anyio.run(_search, settings, question, document, limit)
    if as_json:
        _print(TypeAdapter(list[Hit]).dump_json(hits, indent=1).decode())
        return
    for hit in hits:
        text = " ".join(hit.text.split())
        _print(f"{hit.title}, page {hit.page}  ({hit.file}, {hit.document_id}, {hit.score:.2f})")
        _print(f"    {text[:SHOWN]}{'…' if len(text) > SHOWN else ''}\n")


def ask(question: str, document: Documents = None, as_json: AsJson = False) -> None:
    """Asks one question and prints the answer with its sources."""
    settings = quiet_settings()
    message = anyio.run(_ask, settings, question, document, not as_json)
    if as_json:
        _print(TypeAdapter(Message).dump_json(message, indent=1).decode())


async def _search(settings: Settings, question: str, document: list[str] | None, limit: int) -> list[Hit]:
    from tunedd_api.bootstrap import open_services

    await pull_missing(settings, chat=False)
    async with open_services(settings, indexes=False, answers=False) as services:
        return await services.library.search(question, document_ids=document, limit=limit)


async def _ask(settings: Settings, question: str, document: list[str] | None, aloud: bool) -> Message:
    from tunedd_api.bootstrap import open_services

    await pull_missing(settings)
    async with open_services(settings, indexes=False) as services:
        await _model_up(services)
        conversation = await services.chat.start(document)
        run = await services.chat.ask(conversation.id, question)
        async with aclosing(run.follow()) as events:
            async for _, event in events:
                match event:
                    case SourcesFound(sources=sources):
                        for source in sources if aloud else ():
                            say(f"[{source.number}] {source.title}, page {source.page}")
                    case Token(text=text) if aloud:
                        _print(text, end="")
                    case Failed():
                        break
        if aloud:
            _print("")
        return await run.finished()


async def _model_up(services: "Services") -> None:
    """Waits while the language model starts; what it says after that is for the answer to tell."""
    with remarks.status("Starting the language model"), anyio.move_on_after(MODEL_WITHIN):
        while True:
            try:
                await services.model.check()
                return
            except ModelStarting:
                await anyio.sleep(0.2)
            except Unavailable:
                return


def _print(text: str, end: str = "\n") -> None:
    # Python has none where the shell closed it.
    if sys.stdout is not None:
        sys.stdout.write(visible(text) + end)
        sys.stdout.flush()
