"""What the commands print. Progress and remarks go to standard error and stay quiet when nobody watches."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tunedd_api.logs import set_up_logs
from tunedd_api.settings import Settings
from tunedd_api.visible import visible

remarks = Console(stderr=True, highlight=False)
stdout = Console(highlight=False)


def say(text: str) -> None:
    """A line for the person at the terminal."""
    remarks.print(visible(text), markup=False, soft_wrap=True)


def bar() -> Progress:
    """A progress bar; none when the output is piped."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=remarks,
        disable=not remarks.is_terminal,
        transient=True,
    )


def quiet_settings() -> Settings:
    """The settings, for a command whose output is for a person: its log holds what is wrong, no more."""
    settings = Settings()
    set_up_logs("WARNING", as_json=settings.log_json)
    return settings
