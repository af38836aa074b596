"""What arXiv said of papers, kept on disk: of one version for ever, of the newest for a day."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from anyio import to_thread

from tunedd_api.backends.model_files.placement import part_of, settle
from tunedd_api.library.arxiv.ids import parse
from tunedd_api.library.arxiv.model import ArxivId
from tunedd_api.library.model import Description

log = structlog.get_logger(__name__)

NEWEST_FOR = timedelta(days=1)
"""New versions are announced once a day."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class MetadataCache:
    """A folder of small files. What is damaged is asked for again; what cannot be written is forgotten."""

    folder: Path
    now: Callable[[], datetime] = _now

    async def find(self, id: ArxivId) -> Description | None:
        return await to_thread.run_sync(self._find, id)

    async def keep(self, asked: ArxivId, description: Description) -> None:
        try:
            await to_thread.run_sync(self._keep, asked, description)
        except OSError as error:
            log.warning("arxiv.not_cached", reason=str(error))

    def _find(self, id: ArxivId) -> Description | None:
        try:
            if id.version is None:
                newest = self._read(id)
                age = self.now() - datetime.fromisoformat(newest["asked_at"])
                # A clock that was set back makes an age below zero.
                if not timedelta(0) <= age < NEWEST_FOR:
                    return None
                id = id.at(int(newest["version"]))
            found = self._read(id)
            return Description(
                arxiv_id=str(id),
                title=str(found["title"]),
                authors=tuple(map(str, found["authors"])),
                year=None if found["year"] is None else int(found["year"]),
                categories=tuple(map(str, found["categories"])),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _keep(self, asked: ArxivId, description: Description) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        id = parse(description.arxiv_id)
        self._write(id, asdict(description))
        if asked.version is None:
            self._write(asked, {"version": id.version, "asked_at": self.now().isoformat()})

    def _path(self, id: ArxivId) -> Path:
        return self.folder / f"{str(id).replace('/', '_')}.json"

    def _read(self, id: ArxivId) -> Any:
        return json.loads(self._path(id).read_text(encoding="utf-8"))

    def _write(self, id: ArxivId, content: object) -> None:
        part = part_of(self._path(id))
        part.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        settle(part, self._path(id))
