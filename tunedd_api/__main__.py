"""The command line: serve · worker · index · reindex · search · ask · models · papers."""

import os
import sys

from tunedd_api.interrupts import end_quietly

# Before the imports that take seconds, in which a Ctrl-C is as likely as later.
end_quietly()

import typer  # noqa: E402
from pydantic import ValidationError  # noqa: E402
from rich.console import Console  # noqa: E402

from tunedd_api.cli import asking, indexing, papers, serving, weights, working  # noqa: E402
from tunedd_api.errors import TuneddError, leaves  # noqa: E402

app = typer.Typer(
    help="Answers questions about a library of scientific papers, on this machine.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(serving.serve)
app.command()(working.worker)
app.command()(indexing.index)
app.command()(indexing.reindex)
app.command()(asking.search)
app.command()(asking.ask)
app.add_typer(weights.app, name="models")
app.add_typer(papers.app, name="papers")


def main() -> None:
    """Runs a command; what goes wrong is one sentence on standard error, not a traceback."""
    errors = Console(stderr=True)
    try:
        app()
    except* TuneddError as group:
        for error in leaves(group):
            errors.print(f"[red]{type(error).__name__}:[/] {error}", highlight=False)
        sys.exit(1)
    except* ValidationError as group:
        for invalid in leaves(group):
            assert isinstance(invalid, ValidationError)
            for problem in invalid.errors():
                knob = (
                    "_".join(["TUNEDD", *map(str, problem["loc"])]).upper() if problem["loc"] else "Settings"
                )
                errors.print(
                    f"[red]{knob}:[/] {problem['msg'].removeprefix('Value error, ')}", highlight=False
                )
        sys.exit(2)
    except* BrokenPipeError:
        # Whoever read the output has seen enough; Python would complain once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(141)
    except* (OSError, UnicodeError) as group:
        for error in leaves(group):
            errors.print(f"[red]{type(error).__name__}:[/] {error}", highlight=False)
        sys.exit(1)
    except* KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
