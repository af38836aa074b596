"""Remembers which files were checked, so that a start does not hash a gigabyte again."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

RECEIPTS_FILE = "checked.json"


@dataclass(frozen=True, kw_only=True)
class Receipt:
    bytes: int
    mtime_ns: int
    sha256: str


class Receipts:
    """The checked files of one folder. A file that changed since has no receipt any more."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / RECEIPTS_FILE

    def of(self, name: str) -> Receipt | None:
        """The receipt of a file that is as it was when it was checked."""
        receipt = self._load().get(name)
        path = self._folder / name
        if receipt is None or not path.is_file():
            return None
        now = path.stat()
        return receipt if (receipt.bytes, receipt.mtime_ns) == (now.st_size, now.st_mtime_ns) else None

    def write(self, name: str, sha256: str) -> None:
        now = (self._folder / name).stat()
        receipt = Receipt(bytes=now.st_size, mtime_ns=now.st_mtime_ns, sha256=sha256)
        self._save(self._load() | {name: receipt})

    def drop(self, name: str) -> None:
        self._save({file: receipt for file, receipt in self._load().items() if file != name})

    def recorded(self, name: str) -> Receipt | None:
        """The receipt as it was written, whatever became of the file."""
        return self._load().get(name)

    def _load(self) -> dict[str, Receipt]:
        try:
            return {name: Receipt(**receipt) for name, receipt in json.loads(self._path.read_bytes()).items()}
        except (FileNotFoundError, ValueError, TypeError, AttributeError):
            return {}  # Without receipts the files are simply hashed once more.

    def _save(self, receipts: dict[str, Receipt]) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps({name: asdict(receipt) for name, receipt in receipts.items()}, indent=1))
        fresh.replace(self._path)
