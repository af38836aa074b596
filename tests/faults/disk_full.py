"""
Fills the disk under a running service, in the middle of uploads, of indexing and of an answer, and makes
room again: errors say so, what is stored stays readable, and work goes on by itself.

    sudo python -m tests.faults.disk_full --models var/test-models

Mounts two small file systems in temporary folders, so it needs root; it says so and ends well elsewhere.
"""

import argparse
from contextlib import closing
from pathlib import Path

import httpx

from tests.faults.contents import short_papers
from tests.faults.findings import Findings, run
from tests.faults.invariants import violations
from tests.faults.life import WITHIN, Life, Stuck, start
from tests.faults.rooms import Room, room
from tests.faults.scene import QUESTION, Scene
from tests.serving import events
from tests.world import SAMPLES
from tunedd_api.cli.terminal import say

TINY = "llama:smollm2-135m-instruct"
FULL = "DiskFull"
LITTLE = 192 << 10
"""Bytes of room: enough for an upload and its first rows, too little for the passages."""


def check(findings: Findings, models: Path) -> None:
    with room(48) as home, room(8) as temporary:
        log = home.folder.with_suffix(".log")
        settings = {"TUNEDD_CHAT_MODEL": TINY, "TUNEDD_ANSWER_TOKENS": "200"}
        settings["TMPDIR"] = str(temporary.folder)
        life = start(home.folder, SAMPLES, models, log, **settings)
        try:
            scene = Scene(findings, life)
            with closing(scene.client):
                scene.until("it starts", scene.ready)
                _uploads(scene, home)
                _indexing(scene, home)
                _answers(scene, home)
                _temporary_folder(scene, temporary)
                scene.until("it is ready after all this", scene.ready)
            findings.nothing("nothing is half, lost or twice", violations(home.folder, settled=True))
            errors = [event for event in life.events() if event.get("level") in ("error", "critical")]
            findings.expect("no error of the program was logged", not errors, seen=errors)
            told = [event for event in life.events() if "full" in str(event.get("reason", ""))]
            findings.expect("a log line says that the disk is full", told)
            # Ended well it leaves only what it needs, so that the next start has to make the rest.
            life.process.terminate()
            life.process.wait(WITHIN)
            home.fill()
            life = start(home.folder, SAMPLES, models, log, **settings)
            _start(findings, life)
        finally:
            life.kill()
            log.unlink()


def _start(findings: Findings, life: Life) -> None:
    say("It is started while the disk is full.")
    try:
        ready = httpx.get(f"{life.address()}/ready", timeout=WITHIN).text
        findings.expect("it starts, and /ready tells of it", "full" in ready, seen=ready)
    except Stuck:
        said = life.log.read_text("utf-8", "replace")
        findings.expect("it ends with one sentence", "Traceback" not in said, seen=said)
        findings.expect("which says that the disk is full", "full" in said, seen=said)


def _uploads(scene: Scene, home: Room) -> None:
    say("The disk is full.")
    conversation = scene.start_conversation()
    scene.ask(conversation)
    home.fill()
    scene.refused("an upload", scene.upload(), FULL)
    scene.refused("a question", scene.ask(conversation), FULL)
    scene.refused("a new conversation", scene.client.post("/conversations", json={}), FULL)
    scene.still_readable(conversation)
    scene.ready_says("full")
    home.free()
    scene.findings.expect("an upload is taken again", scene.upload().status_code == httpx.codes.ACCEPTED)
    scene.until("it is indexed", scene.ready)
    again = scene.ask(conversation)
    scene.findings.expect("a question is answered again", again.status_code == 200, seen=again.text)


def _indexing(scene: Scene, home: Room) -> None:
    say("The disk is full in the middle of indexing.")
    big = max(short_papers(), key=len)
    home.fill()
    home.free(len(big) + LITTLE)
    sent = scene.upload(big)
    scene.findings.expect("the upload still fits", sent.status_code == 202, seen=sent.text)
    if sent.status_code == httpx.codes.ACCEPTED:
        url = f"/documents/{sent.json()['id']}"

        def is_ready() -> bool:
            return bool(scene.client.get(url).json()["status"] == "ready")

        scene.until("the log tells that indexing pauses", lambda: "indexing.paused" in scene.log())
        one = scene.client.get(url).json()
        waits = one["status"] not in ("ready", "failed")
        scene.findings.expect("it is neither ready nor failed", waits, seen=one)
        scene.still_readable()
        scene.ready_says("full")
        home.free()
        scene.until("it goes on once there is room", is_ready)
    else:
        home.free()


def _answers(scene: Scene, home: Room) -> None:
    say("The disk is full in the middle of an answer.")
    conversation = scene.start_conversation()
    url = f"/conversations/{conversation}/messages"
    seen: list[str] = []
    text = ""
    with scene.client.stream("POST", f"{url}/stream", json=QUESTION) as response:
        for name, data in events(response.iter_lines()):
            if name == "sources":
                home.fill()
            seen.append(name)
            text = str(data)
    ends = [name for name in seen if name in ("done", "error")]
    scene.findings.expect("its stream has one last event", ends in (["done"], ["error"]), seen=seen)
    scene.findings.expect("that says that the disk is full", FULL in text, seen=text)
    answer = scene.client.get(url).json()[-1]
    scene.findings.expect("it is not called running", answer["status"] != "running", seen=answer)
    home.free()
    follow_up = scene.ask(conversation)
    scene.findings.expect("a follow-up works", follow_up.status_code == 200, seen=follow_up.text)
    history = [one["status"] for one in scene.client.get(url).json()]
    whole = len(history) == 4 and "running" not in history
    scene.findings.expect("the history has all of it", whole, seen=history)


def _temporary_folder(scene: Scene, temporary: Room) -> None:
    say("The folder for temporary files is full.")
    large = max(short_papers(), key=len) + bytes(2 << 20)
    temporary.fill()
    scene.refused("a large upload", scene.upload(large), FULL)
    scene.still_readable()
    temporary.free(len(large) + LITTLE)
    sent = scene.upload(large)
    if sent.status_code != httpx.codes.ACCEPTED:
        scene.refused("a large upload that fits once", sent, FULL)
    temporary.free()
    sent = scene.upload(large + b"\n")
    scene.findings.expect("a large upload is taken again", sent.status_code == 202, seen=sent.text)
    left = [file.name for file in temporary.folder.glob("[!.]*")]
    scene.findings.expect("nothing is left there", not left, seen=left)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--models", type=Path, default=Path("var/test-models"))
    run(check, parser.parse_args().models.absolute())


if __name__ == "__main__":
    main()
