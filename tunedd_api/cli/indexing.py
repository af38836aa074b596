"""`tunedd index` and `tunedd reindex`: the commands that work on the library without a server."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import anyio
import typer

from tunedd_api.cli.terminal import bar, quiet_settings, say
from tunedd_api.cli.weights import pull_missing
from tunedd_api.errors import Rejected, Unavailable
from tunedd_api.library.folder import find_files
from tunedd_api.library.model import Document, Status
from tunedd_api.settings import Settings

if TYPE_CHECKING:
    from tunedd_api.bootstrap import Services

LOOK_EVERY = 0.2
GIVEN_UP = (
    "A process that was started meanwhile has given the new index up: it has another "
    "TUNEDD_EMBEDDING_MODEL, or (after --all) the old index was good enough for it. Start this again, with "
    "the same settings everywhere and without starting others meanwhile."
)


def index(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="PDFs, or folders of PDFs; left out, the papers folder.", exists=True),
    ] = None,
) -> None:
    """Takes PDFs into the library and waits until they are indexed."""
    settings = quiet_settings()
    failed = anyio.run(_index, settings, paths) if paths else anyio.run(_sync, settings)
    raise typer.Exit(1 if failed else 0)


def reindex(
    anew: Annotated[
        bool, typer.Option("--all", help="Even if the index fits the embedding model and the cut.")
    ] = False,
) -> None:
    """Indexes every document again where the embedding model or the cut has changed; the old index serves
    until the new one is complete. Broken off, it goes on where it was (after --all: with --all)."""
    settings = quiet_settings()
    failed = anyio.run(_reindex, settings, anew)
    raise typer.Exit(1 if failed else 0)


async def _index(settings: Settings, paths: list[Path]) -> int:
    from tunedd_api.bootstrap import open_services

    await pull_missing(settings, chat=False)
    files = [file for path in paths for file in _pdfs(path)]
    if not files:
        say("There are no PDFs there.")
    async with open_services(settings, answers=False) as services:
        added: dict[str, Document] = {}
        failed = 0
        for file in files:
            try:
                document = await services.library.add(file)
                added[document.id] = document
            except (Rejected, Unavailable, OSError) as error:
                say(f"{file}: {error}")
                failed += 1
        return failed + await wait(services, list(added))


async def _sync(settings: Settings) -> int:
    """Takes in what is new or changed in the papers folder, as the service does; returns what went wrong."""
    from tunedd_api.bootstrap import open_services

    await pull_missing(settings, chat=False)
    async with open_services(settings, answers=False) as services:
        await services.folder.look()
        await _settled(services)
        # Only now may a file that changed take the place of its old document.
        await services.folder.look()
        documents = (await services.library.progress()).documents
        ready, failed = (documents.get(status.value, 0) for status in (Status.READY, Status.FAILED))
        say(f"Documents ready: {ready}, failed: {failed}{' (GET /documents says why)' if failed else ''}.")
        if services.folder.problem:
            say(services.folder.problem)
        return failed + len(services.folder.skipped) + bool(services.folder.problem)


async def _settled(services: "Services") -> None:
    """Shows how far the library is until no document waits."""
    with bar() as shown:
        task = shown.add_task("Indexing")
        while True:
            progress = await services.library.progress()
            total = sum(progress.documents.values())
            ended = sum(count for status, count in progress.documents.items() if Status(status).ended)
            description = f"Paused: {progress.problem}" if progress.problem else "Indexing"
            shown.update(task, completed=ended, total=total, description=description)
            if progress.complete:
                return
            await anyio.sleep(LOOK_EVERY)


def _pdfs(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = find_files(path)
    return [*found.papers, *found.samples]


async def wait(services: "Services", ids: Sequence[str]) -> int:
    """Shows how far these documents are until all have ended, then how; returns how many failed."""
    with bar() as progress:
        task = progress.add_task("Indexing", total=len(ids))
        while True:
            documents = [await services.library.get(id) for id in ids]
            shares = [1.0 if one.status.ended else _share(one) for one in documents]
            problem = (await services.library.progress()).problem
            progress.update(
                task, completed=sum(shares), description=f"Paused: {problem}" if problem else "Indexing"
            )
            if all(one.status.ended for one in documents):
                break
            await anyio.sleep(LOOK_EVERY)
    for one in documents:
        outcome = one.error if one.status is Status.FAILED else f"{one.pages} pages, {one.passages} passages"
        say(f"{one.file}: {outcome}")
    return sum(one.status is Status.FAILED for one in documents)


def _share(document: Document) -> float:
    return document.passages / document.passages_total if document.passages_total else 0.0


async def _reindex(settings: Settings, anew: bool) -> int:
    from tunedd_api.bootstrap import open_services

    await pull_missing(settings, chat=False)
    async with open_services(settings, answers=False, anew=anew) as services:
        if len(indexes := [*services.indexes]) == 1:
            say("The index fits the embedding model and the cut: nothing to do (--all does it anyway).")
            return 0
        failed, problem = await rebuilt(services, indexes[1].row.stamp)
        if problem:
            say(problem)
            return 1
        say(f"The new index serves now{f'; {failed} documents could not be read' if failed else ''}.")
        return failed


async def rebuilt(services: "Services", stamp: str) -> tuple[int, str | None]:
    """Shows how far the new index is until it serves, or why it does not; how many documents failed."""
    failed = 0
    with bar() as shown:
        task = shown.add_task("Indexing again")
        while True:
            progress = await services.library.progress()
            serving, *building = (index.row.stamp for index in services.indexes)
            if serving == stamp:
                return failed, None
            if stamp not in building:
                return failed, GIVEN_UP
            states = {Status(status): count for status, count in (progress.reindexing or {}).items()}
            ended = sum(count for status, count in states.items() if status.ended)
            failed = states.get(Status.FAILED, 0)
            total = sum(states.values())
            description = f"Paused: {progress.problem}" if progress.problem else "Indexing again"
            shown.update(task, completed=ended, total=total, description=description)
            if ended == total and failed and progress.problem:
                return failed, progress.problem
            await anyio.sleep(LOOK_EVERY)
