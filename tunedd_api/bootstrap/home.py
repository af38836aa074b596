"""The folder that everything the service writes lies in: made, and locked for one indexing process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from tunedd_api.errors import SetupError
from tunedd_api.settings import Settings


class HomeInUse(SetupError):
    """Another service works on this home."""


class HomeUnusable(SetupError):
    """The home cannot be used."""


SERVERS_NEEDED = (
    "{} need stores that several processes share: set TUNEDD_DATABASE_URL to postgresql://… and "
    "TUNEDD_PASSAGES_URL to weaviate://…. What lies in SQLite files is indexed by the one service."
)
CHOOSE = "set TUNEDD_HOME to a folder that this user may write to."


def prepare_home(settings: Settings) -> None:
    if settings.database_url == settings.passages_url != "memory:":
        raise SetupError("TUNEDD_DATABASE_URL and TUNEDD_PASSAGES_URL must be two different files.")
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        home = settings.home.absolute()
        raise HomeUnusable(f"{home} cannot be made ({error.strerror}): {CHOOSE}") from error


def is_shared(settings: Settings) -> bool:
    """
    Whether several processes may work on this library: nothing of it lies in files that belong to one.

    Raises SetupError for jobs that would be sent to nobody.
    """
    shared = settings.database_url.startswith("postgres") and settings.passages_url.startswith("weaviate")
    if not shared and settings.jobs_url != "local:":
        raise SetupError(SERVERS_NEEDED.format("TUNEDD_JOBS_URL=redis:// and `tunedd worker`"))
    return shared


@contextmanager
def sole_indexer(home: Path) -> Iterator[None]:
    lock = FileLock(home / "indexing.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise HomeInUse(
            f"Another Tunedd process works on {home.absolute()}. Put files into its papers folder, send them "
            "to POST /documents, or set TUNEDD_HOME to another folder. Several processes share one library "
            "where TUNEDD_DATABASE_URL is postgresql://… and TUNEDD_PASSAGES_URL is weaviate://…."
        ) from error
    except OSError as error:
        raise HomeUnusable(f"{home.absolute()} cannot be written to ({error.strerror}): {CHOOSE}") from error
    try:
        yield
    finally:
        lock.release()
