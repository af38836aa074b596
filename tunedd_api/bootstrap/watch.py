"""What a look at the service finds: who waits for what, what is stored, and how much room it takes."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import structlog
from anyio import to_thread
from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from tunedd_api.backends.prometheus import PrometheusMeasures
from tunedd_api.chat.answering import RagResponder
from tunedd_api.chat.runs import Runs
from tunedd_api.errors import Unavailable
from tunedd_api.library.census import Count, SqlCensus
from tunedd_api.library.model import Status
from tunedd_api.settings import Settings

log = structlog.get_logger(__name__)


class Watch:
    """All that there is to measure, as Prometheus reads it; what is stored is counted when it is asked."""

    def __init__(
        self,
        *,
        measures: PrometheusMeasures,
        census: SqlCensus,
        runs: Runs,
        responder: RagResponder,
        settings: Settings,
    ) -> None:
        self._measures = measures
        self._census = census
        self._runs = runs
        self._responder = responder
        self._settings = settings

    async def text(self) -> bytes:
        counts: list[Count] | None = None
        try:
            counts = await self._census.count()
        except Unavailable as error:
            # All else is measured all the more while the database is away.
            log.debug("metrics.uncounted", reason=error.message)
        room = await to_thread.run_sync(lambda: list(_room(self._settings)))
        return self._measures.text() + generate_latest(_Families([*self._now(), *_documents(counts), *room]))

    def _now(self) -> Iterator[GaugeMetricFamily]:
        runs = self._runs
        yield _one("answers_running", "Answers that are being made by this process.", runs.under_way)
        yield _one("answers_waiting", "Answers that wait for a place at the model.", self._responder.waiting)
        yield _one("answer_followers", "Connections that follow an answer.", runs.followers)


class _Families(Collector):
    def __init__(self, families: list[GaugeMetricFamily]) -> None:
        self._families = families

    def collect(self) -> list[GaugeMetricFamily]:
        return self._families


def _documents(counts: list[Count] | None) -> Iterator[GaugeMetricFamily]:
    """As the database has them, so every process says the same."""
    yield _one("database_up", "1 if the database could be asked, else 0.", counts is not None)
    if counts is None:
        return
    documents = _family("documents", "Documents by where they stand, in each index.", "state", "index")
    passages = _family("passages", "Passages that are stored, in each index.", "index")
    for index in ("serving", "building"):
        here = {one.status: one for one in counts if one.serving is (index == "serving")}
        if not here and index == "building":
            continue
        for status in Status:
            documents.add_metric([status, index], here[status].documents if status in here else 0)
        passages.add_metric([index], sum(one.passages for one in here.values()))
    yield documents
    yield passages


def _room(settings: Settings) -> Iterator[GaugeMetricFamily]:
    """What lies on this machine; servers tell of their own."""
    home = settings.home
    room = _family("store_bytes", "Size of what is stored on this machine.", "store")
    for store, url in (("database", settings.database_url), ("passages", settings.passages_url)):
        scheme, _, name = url.partition(":")
        if scheme == "sqlite":
            file = home / name
            # With the write-ahead log, and the index that is being built beside the one that serves.
            room.add_metric([store], _bytes(file.parent.glob(f"{file.stem}*{file.suffix}*")))
    room.add_metric(["files"], _bytes((home / "files").rglob("*")))
    yield room
    with suppress(OSError):
        free = shutil.disk_usage(home).free
        yield _one("disk_free_bytes", "Room that is left where the home lies.", free)


def _bytes(files: Iterator[Path]) -> int:
    total = 0
    for file in files:
        try:
            total += file.stat().st_size
        except OSError:
            # A log or an upload that has just been cleared away.
            continue
    return total


def _family(name: str, help: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"tunedd_{name}", help, labels=labels)


def _one(name: str, help: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"tunedd_{name}", help, value=float(value))
