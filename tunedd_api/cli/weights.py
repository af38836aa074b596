"""`tunedd models`: what the service's models are, fetching them, checking them."""

from typing import Annotated

import anyio
import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Column, Table

from tunedd_api.backends.model_files.machine import gigabytes
from tunedd_api.backends.model_files.weights import Presence, Weights
from tunedd_api.cli.terminal import quiet_settings, remarks, say, stdout
from tunedd_api.errors import TuneddError
from tunedd_api.settings import Settings

app = typer.Typer(help="The language model and the embedding model on this machine.", no_args_is_help=True)
Names = Annotated[list[str] | None, typer.Argument(help="Models; left out, those that the settings name.")]


@app.command("list")
def list_models() -> None:
    """Shows the known models and which are on this machine."""
    settings = quiet_settings()
    table = Table(Column("name", no_wrap=True), "purpose", "size", "licence", "here", "in use")
    for model in Weights(settings.models_folder).list():
        used = "*" if model.name in _configured(settings) else ""
        table.add_row(model.name, model.purpose, gigabytes(model.bytes), model.licence, model.present, used)
    stdout.print(table)


@app.command()
def pull(names: Names = None) -> None:
    """Fetches models; what was fetched before is not fetched again."""
    settings = quiet_settings()
    for name in names or _configured(settings):
        anyio.run(pull_model, Weights(settings.models_folder), name)


@app.command()
def verify(names: Names = None) -> None:
    """Hashes the files of models that are here and compares them with what they should be."""
    settings = quiet_settings()
    weights = Weights(settings.models_folder)
    here = [model.name for model in weights.list() if model.present is Presence.YES]
    for name in names or here:
        anyio.run(weights.verify, name)
        say(f"{name}: every file is what it should be.")


async def pull_missing(settings: Settings, chat: bool = True) -> None:
    """
    Fetches what the settings need and this machine lacks.

    Without its language model the service still searches, so that one missing is told of, not an error.
    """
    weights = Weights(settings.models_folder)
    for name in _configured(settings):
        embeds = settings.embedding_model.endswith(name)
        try:
            if embeds or chat:
                await pull_model(weights, name)
        except TuneddError as error:
            if embeds:
                raise
            say(f"{error.message} Until then questions are not answered; search works.")


async def pull_model(weights: Weights, name: str) -> None:
    missing = weights.missing_bytes(name)
    if not missing:
        await weights.pull(name)
        return
    say(f"Fetching the model {name}: {gigabytes(missing)}")
    with _download_bar() as progress:
        task = progress.add_task(name, total=None)
        await weights.pull(name, lambda done, total: progress.update(task, completed=done, total=total))
    say(f"The model {name} is in {weights.path(name)}")


def _configured(settings: Settings) -> list[str]:
    """The models of the settings that run on this machine."""
    urls = (settings.embedding_model, settings.chat_model)
    return [url.partition(":")[2] for url in urls if url.startswith(("onnx:", "llama:"))]


def _download_bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=remarks,
        disable=not remarks.is_terminal,
    )
