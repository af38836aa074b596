"""The list of papers in `papers.toml`, and bringing them into the papers folder."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import anyio.to_thread
import structlog

from tunedd_api.backends.model_files.placement import sha256_of
from tunedd_api.errors import NotFound, Rejected, SetupError, Unavailable
from tunedd_api.library.arxiv.fetching import Arxiv, open_arxiv
from tunedd_api.library.arxiv.ids import parse
from tunedd_api.library.arxiv.model import ArxivId, ArxivUnreachable, NotAnArxivId

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Paper:
    """One paper of the list."""

    file: str
    """Name of its PDF in the papers folder."""
    title: str
    authors: tuple[str, ...]
    year: int
    sha256: str
    arxiv_id: ArxivId | None = None
    note: str | None = None
    """Where a paper without arXiv id was published."""


class Availability(StrEnum):
    PRESENT = "present"
    FETCHED = "fetched"
    DIFFERENT = "different"
    """It is there, with other bytes than listed: arXiv makes its PDFs anew now and then."""
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one paper."""

    paper: Paper
    availability: Availability
    reason: str | None = None
    """For a person, unless all is well."""


class BadPaperList(SetupError):
    """The list of papers cannot be read."""


def read_papers(manifest: Path) -> tuple[Paper, ...]:
    """Raises BadPaperList, which names the entry at fault."""
    try:
        entries = tomllib.loads(manifest.read_text(encoding="utf-8")).get("paper", [])
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BadPaperList(f"{manifest} cannot be read: {error}") from error
    papers = []
    for number, entry in enumerate(entries, start=1):
        try:
            arxiv_id = parse(entry["arxiv_id"]) if "arxiv_id" in entry else None
            paper = Paper(**(entry | {"authors": tuple(entry["authors"]), "arxiv_id": arxiv_id}))
        except (KeyError, TypeError, AttributeError, NotAnArxivId) as error:
            raise BadPaperList(f"{manifest}, paper {number}: {error}") from error
        if Path(paper.file).name != paper.file:
            raise BadPaperList(f"{manifest}, paper {number}: file must be a name without folders.")
        papers.append(paper)
    return tuple(papers)


async def fetch_papers(
    manifest: Path,
    folder: Path,
    *,
    arxiv: Arxiv | None = None,
    give_up_quickly: bool = False,
    progress: Callable[[str], None] | None = None,
) -> list[Outcome]:
    """
    Fetches the listed papers that are not in the folder; one outcome for each, in the order of the list.

    With `give_up_quickly` one failed connection ends the attempt for all papers.
    """
    if arxiv is None:
        async with open_arxiv(quick=give_up_quickly) as arxiv:
            return await fetch_papers(
                manifest, folder, arxiv=arxiv, give_up_quickly=give_up_quickly, progress=progress
            )
    tell = progress or (lambda text: None)
    outcomes: list[Outcome] = []
    offline: str | None = None
    for paper in await anyio.to_thread.run_sync(read_papers, manifest):
        try:
            outcome = await _bring(paper, folder, None if offline else arxiv, tell)
        except ArxivUnreachable as error:
            offline = error.message if give_up_quickly else None
            outcome = _unavailable(paper, error.message)
            tell(error.message)
        outcomes.append(outcome)
        log.info("paper." + outcome.availability, file=paper.file, reason=outcome.reason)
    return outcomes


async def _bring(paper: Paper, folder: Path, arxiv: Arxiv | None, tell: Callable[[str], None]) -> Outcome:
    target = folder / paper.file
    if await anyio.Path(target).is_file():
        return await _judge(paper, target, Availability.PRESENT)
    if paper.arxiv_id is None:
        return _unavailable(paper, f"not on arXiv: {paper.note or 'no note where it was published'}")
    if arxiv is None:
        return _unavailable(paper, "not tried, since arXiv cannot be reached")
    tell(f"Fetching “{paper.title}” (arXiv:{paper.arxiv_id})")
    try:
        await anyio.Path(folder).mkdir(parents=True, exist_ok=True)
        await arxiv.fetch(paper.arxiv_id, target)
    except ArxivUnreachable:
        raise
    except (NotFound, Rejected, Unavailable) as error:
        return _unavailable(paper, error.message)
    except OSError as error:
        return _unavailable(paper, f"it cannot be written there: {error.strerror}")
    return await _judge(paper, target, Availability.FETCHED)


async def _judge(paper: Paper, target: Path, availability: Availability) -> Outcome:
    if await anyio.to_thread.run_sync(sha256_of, target) == paper.sha256:
        return Outcome(paper=paper, availability=availability)
    reason = "its bytes differ from the listed ones; arXiv makes its PDFs anew now and then"
    return Outcome(paper=paper, availability=Availability.DIFFERENT, reason=reason)


def _unavailable(paper: Paper, reason: str) -> Outcome:
    return Outcome(paper=paper, availability=Availability.UNAVAILABLE, reason=reason)
