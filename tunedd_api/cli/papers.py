"""`tunedd papers`: the papers that the service is first made for, and others of arXiv."""

from pathlib import Path
from typing import Annotated

import anyio
import typer
from rich.table import Table

from tunedd_api.cli.indexing import wait
from tunedd_api.cli.terminal import quiet_settings, say, stdout
from tunedd_api.cli.weights import pull_missing
from tunedd_api.errors import NotFound, Rejected, Unavailable
from tunedd_api.library.model import Document
from tunedd_api.library.papers import Availability, Outcome, fetch_papers, read_papers
from tunedd_api.settings import Settings

app = typer.Typer(help="The papers listed in papers.toml, and others of arXiv.", no_args_is_help=True)
MANIFEST = "papers.toml"
Manifest = Annotated[Path | None, typer.Option(help="Another list of papers.", exists=True)]


@app.command("list")
def list_papers(manifest: Manifest = None) -> None:
    """Shows the listed papers and which of them are in the papers folder."""
    settings = quiet_settings()
    table = Table("title", "year", "arXiv", "here")
    for paper in read_papers(manifest or settings.papers / MANIFEST):
        here = "yes" if (settings.papers / paper.file).exists() else "no"
        table.add_row(paper.title, str(paper.year), str(paper.arxiv_id or "–"), here)
    stdout.print(table)


@app.command()
def fetch(
    manifest: Manifest = None,
    quick: Annotated[
        bool, typer.Option(help="Give up at the first failed connection; never an error.")
    ] = False,
) -> None:
    """Fetches the listed papers from arXiv into the papers folder, one at a time."""
    settings = quiet_settings()
    source = manifest or settings.papers / MANIFEST
    if quick and not source.exists():
        return
    outcomes = anyio.run(_fetch, source, settings.papers, quick)
    for outcome in outcomes:
        if outcome.reason:
            say(f"{outcome.paper.file}: {outcome.reason}")
    missing = any(one.availability is Availability.UNAVAILABLE and one.paper.arxiv_id for one in outcomes)
    raise typer.Exit(1 if missing and not quick else 0)


@app.command()
def add(
    ids: Annotated[list[str], typer.Argument(help="arXiv ids or links, such as 2402.03578v1.")],
) -> None:
    """Fetches papers from arXiv into the library and waits until they are indexed."""
    failed = anyio.run(_add, quiet_settings(), ids)
    raise typer.Exit(1 if failed else 0)


async def _add(settings: Settings, ids: list[str]) -> int:
    from tunedd_api.bootstrap import open_services

    await pull_missing(settings, chat=False)
    async with open_services(settings, answers=False) as services:
        added: dict[str, Document] = {}
        failed = 0
        for number, id in enumerate(ids, start=1):
            say(f"Fetching {id} ({number} of {len(ids)})")
            try:
                document = await services.arxiv.add(id)
                added[document.id] = document
            except (NotFound, Rejected, Unavailable) as error:
                say(f"{id}: {error}")
                failed += 1
        return failed + await wait(services, list(added))


async def _fetch(manifest: Path, folder: Path, quick: bool) -> list[Outcome]:
    return await fetch_papers(manifest, folder, give_up_quickly=quick, progress=say)
