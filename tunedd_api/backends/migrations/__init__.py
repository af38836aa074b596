"""The schema, in steps: numbered files for each dialect, each carried out once and in a transaction."""

from importlib.resources import files

from tunedd_api.errors import SetupError


class NewerSchema(SetupError):
    """The database was written by a newer version of this service. Run that version, or another home."""


def steps(dialect: str) -> dict[int, str]:
    """The SQL of each step by its number, the first first."""
    folder = files(__name__).joinpath(dialect)
    return {
        int(step.name[:4]): step.read_text("utf-8")
        for step in sorted(folder.iterdir(), key=lambda step: step.name)
        if step.name.endswith(".sql")
    }
