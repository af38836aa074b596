"""How long a service takes to start again where nothing has changed, and that it embeds nothing."""

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.service import service_at

TIMES = 3
IMPORTS = "import tunedd_api.app, tunedd_api.cli.serving, onnxruntime, tokenizers"
"""What a service imports before it does anything."""


@dataclass(frozen=True, kw_only=True)
class Restart:
    seconds: float
    """From the command to ready."""
    imports: float
    """Seconds that Python needs to import the same modules and nothing more."""
    embedded: int
    """Passages written."""


def restart(home: Path, papers: Path, models: Path, **settings: str) -> Restart:
    """Medians over some restarts, each beside its imports, after one that gets to know the folder."""
    passages = home / "passages.db"
    with service_at(home, papers, models, **settings):
        pass
    before = _last_number(passages)
    whole, imports = [], []
    for _ in range(TIMES):
        with service_at(home, papers, models, **settings) as service:
            whole.append(service.ready - service.started)
        started = time.monotonic()
        subprocess.run([sys.executable, "-c", IMPORTS], check=True)
        imports.append(time.monotonic() - started)
    embedded = _last_number(passages) - before
    return Restart(seconds=median(whole), imports=median(imports), embedded=embedded)


def _last_number(passages: Path) -> int:
    """Every passage ever written has a number of its own; one that is written again has a new one."""
    with closing(sqlite3.connect(f"file:{passages}?mode=ro", uri=True)) as connection:
        sql = "SELECT seq FROM sqlite_sequence WHERE name = 'passages'"
        return int(connection.execute(sql).fetchone()[0])
