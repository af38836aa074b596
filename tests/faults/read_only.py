"""
Takes away, under a running service, the right to write to its home, and gives it back.

    sudo python -m tests.faults.read_only --models var/test-models

Marks the files of a temporary home immutable, which binds even root: needs root, `chattr`, and a temporary
folder on a file system that knows the mark (ext4, btrfs, xfs). It says so and ends well elsewhere.
"""

import argparse
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from tests.faults.findings import Findings, run
from tests.faults.invariants import violations
from tests.faults.life import start
from tests.faults.scene import Scene
from tests.world import SAMPLES

UNUSABLE = "StoreUnavailable"


def check(findings: Findings, models: Path) -> None:
    with TemporaryDirectory() as folder:
        home = Path(folder, "home")
        life = start(home, SAMPLES, models, Path(folder, "log"), TUNEDD_CHAT_MODEL="echo:")
        try:
            scene = Scene(findings, life)
            with closing(scene.client):
                scene.until("it starts", scene.ready)
                _take_away(scene, home)
            findings.nothing("nothing is half, lost or twice", violations(home, settled=True))
            errors = [event for event in life.events() if event.get("level") in ("error", "critical")]
            findings.expect("no error of the program was logged", not errors, seen=errors)
        finally:
            life.kill()


def _take_away(scene: Scene, home: Path) -> None:
    conversation = scene.start_conversation()
    scene.ask(conversation)
    with _immutable(home):
        scene.refused("an upload", scene.upload(), UNUSABLE)
        scene.refused("a question", scene.ask(conversation), UNUSABLE)
        said = scene.ask(conversation).text
        scene.findings.expect(
            "the refusal names the place", "tunedd.db" in said or str(home) in said, seen=said
        )
        removed = scene.client.delete(f"/documents/{scene.client.get('/documents').json()[0]['id']}")
        scene.refused("a removal", removed, UNUSABLE)
        scene.still_readable(conversation)
    sent = scene.upload()
    scene.findings.expect("an upload is taken again", sent.status_code == 202, seen=sent.text)
    scene.until("it is indexed", scene.ready)
    again = scene.ask(conversation)
    answered = again.status_code == httpx.codes.OK
    scene.findings.expect("a question is answered again", answered, seen=again.text)


@contextmanager
def _immutable(home: Path) -> Iterator[None]:
    if shutil.which("chattr") is None:
        raise PermissionError("there is no chattr here")
    # All but the memory that the connections share: who writes to a protected map is ended by the kernel.
    files = [home, *(path for path in home.rglob("*") if not path.name.endswith("-shm"))]
    marked = subprocess.run(["chattr", "+i", *files], capture_output=True, text=True, check=False)
    try:
        if marked.returncode != 0:
            raise PermissionError(f"files cannot be marked immutable here: {marked.stderr.strip()}")
        yield
    finally:
        subprocess.run(["chattr", "-i", *files], capture_output=True, check=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--models", type=Path, default=Path("var/test-models"))
    run(check, parser.parse_args().models.absolute())


if __name__ == "__main__":
    main()
