"""The models' files on this machine: what is there, fetching what is missing, checking it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import anyio.to_thread
import httpx
from filelock import AsyncFileLock

from tunedd_api.backends.model_files.catalog import KNOWN, Model, ModelFile, Purpose, find_model
from tunedd_api.backends.model_files.download import open_client
from tunedd_api.backends.model_files.fetching import Fetching
from tunedd_api.backends.model_files.machine import Machine
from tunedd_api.backends.model_files.patience import Patience
from tunedd_api.backends.model_files.placement import part_of, sha256_of, size_of
from tunedd_api.backends.model_files.quantize import quantize
from tunedd_api.backends.model_files.receipts import Receipts
from tunedd_api.errors import SetupError

Progress = Callable[[int, int], None]
"""Called with the bytes that are there and the bytes of the whole."""


class Presence(StrEnum):
    YES = "yes"
    NO = "no"
    PARTIAL = "partial"


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A known model and how much of it is on this machine."""

    name: str
    purpose: Purpose
    bytes: int
    present: Presence
    licence: str


class ModelMissing(SetupError):
    """The model's files are not on this machine."""


class ModelDamaged(SetupError):
    """A file of the model is not what it should be."""


class Weights:
    """A folder with one folder per model. A file under its own name is complete and was checked."""

    def __init__(
        self,
        folder: Path,
        *,
        catalog: Sequence[Model] = KNOWN,
        machine: Callable[[Path], Machine] = Machine.look,
        patience: Patience | None = None,
        client: Callable[[], httpx.AsyncClient] = open_client,
    ) -> None:
        self._folder = folder
        self._catalog = catalog
        self._machine = machine
        self._patience = patience or Patience()
        self._client = client

    def list(self) -> tuple[Stored, ...]:
        return tuple(
            Stored(
                name=model.name,
                purpose=model.purpose,
                bytes=model.bytes,
                present=self._presence(model),
                licence=model.licence,
            )
            for model in self._catalog
        )

    def path(self, name: str) -> Path:
        """The folder of a model that is here. Raises ModelMissing, UnknownModel."""
        model = find_model(name, self._catalog)
        if self._presence(model) is not Presence.YES:
            raise ModelMissing(f"The model {name} is not on this machine. Run: tunedd models pull {name}")
        return self._folder / name

    def file(self, name: str) -> Path:
        """The file to load of a model that is here. Raises as `path` does."""
        return self.path(name) / find_model(name, self._catalog).main_file

    def missing_bytes(self, name: str) -> int:
        """What `pull` would have to fetch."""
        model = find_model(name, self._catalog)
        return sum(file.bytes - self._have(model, file) for file in model.files)

    async def pull(self, name: str, progress: Progress | None = None) -> Path:
        """
        Fetches and prepares what is missing of a model; returns its folder.

        Raises NotEnoughDisk, NotEnoughMemory, ProcessorTooOld before anything is fetched; DownloadFailed when
        no source delivers; CannotQuantise. Whatever ends it, the next call goes on where it stopped.
        """
        model = find_model(name, self._catalog)
        folder = self._folder / name
        if self._checked(model):
            return folder
        if missing := self.missing_bytes(name):
            self._machine(folder).check(model, missing_bytes=missing)
        folder.mkdir(parents=True, exist_ok=True)
        async with self._alone(folder), self._client() as client:
            for file in model.files:
                tell = _count_on(progress, model, file)
                await self._bring(file, folder, client, tell)
            await self._prepare(model, folder)
        return folder

    async def verify(self, name: str) -> None:
        """Hashes every file again. Raises ModelDamaged, after which `pull` fetches the damaged file anew."""
        folder = self.path(name)
        receipts = Receipts(folder)
        for file, sha256 in self._digests(find_model(name, self._catalog), receipts).items():
            if await anyio.to_thread.run_sync(sha256_of, folder / file) != sha256:
                receipts.drop(file)
                raise ModelDamaged(f"{folder / file} is damaged. Run: tunedd models pull {name}")

    def _digests(self, model: Model, receipts: Receipts) -> dict[str, str]:
        known = {file.name: file.sha256 for file in model.files}
        made = receipts.recorded(model.quantised) if model.quantised else None
        return known | ({model.quantised: made.sha256} if model.quantised and made else {})

    async def _bring(
        self, file: ModelFile, folder: Path, client: httpx.AsyncClient, tell: Callable[[int], None]
    ) -> None:
        target, receipts = folder / file.name, Receipts(folder)
        if not _has_receipt(receipts, file):
            if not await _is_whole(target, file):
                await Fetching(file, target, client=client, patience=self._patience, progress=tell).run()
            receipts.write(file.name, file.sha256)
        tell(file.bytes)

    async def _prepare(self, model: Model, folder: Path) -> None:
        receipts = Receipts(folder)
        if model.quantised is None or receipts.of(model.quantised):
            return
        target = folder / model.quantised
        await quantize(folder / model.files[0].name, target)
        receipts.write(model.quantised, await anyio.to_thread.run_sync(sha256_of, target))

    def _alone(self, folder: Path) -> AbstractAsyncContextManager[object]:
        """Two processes may want the same model; the second waits and finds it there."""
        return AsyncFileLock(folder / ".lock")

    def _checked(self, model: Model) -> bool:
        receipts = Receipts(self._folder / model.name)
        made = model.quantised is None or receipts.of(model.quantised) is not None
        return made and all(_has_receipt(receipts, file) for file in model.files)

    def _presence(self, model: Model) -> Presence:
        have = [self._have(model, file) for file in model.files]
        placed = [size_of(self._folder / model.name / file.name) == file.bytes for file in model.files]
        if all(placed) and size_of(self._folder / model.name / model.main_file):
            return Presence.YES
        return Presence.PARTIAL if any(have) else Presence.NO

    def _have(self, model: Model, file: ModelFile) -> int:
        target = self._folder / model.name / file.name
        whole = size_of(target) == file.bytes
        return file.bytes if whole else min(size_of(part_of(target)), file.bytes)


def _has_receipt(receipts: Receipts, file: ModelFile) -> bool:
    receipt = receipts.of(file.name)
    return receipt is not None and receipt.sha256 == file.sha256


async def _is_whole(target: Path, file: ModelFile) -> bool:
    if size_of(target) != file.bytes:
        return False
    return await anyio.to_thread.run_sync(sha256_of, target) == file.sha256


def _count_on(progress: Progress | None, model: Model, file: ModelFile) -> Callable[[int], None]:
    """Turns the bytes of one file into those of the model."""
    before = sum(earlier.bytes for earlier in model.files[: model.files.index(file)])

    def tell(have: int) -> None:
        if progress:
            progress(before + have, model.bytes)

    return tell
