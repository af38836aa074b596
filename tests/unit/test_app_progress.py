"""The indexing of a document over HTTP: events, cancel, retry."""

from pathlib import Path

import anyio
import httpx

from tests.api import events, service
from tests.long_papers import long_paper


async def upload(client: httpx.AsyncClient, file: Path) -> str:
    content = await anyio.Path(file).read_bytes()
    response = await client.post("/documents", files={"file": (file.name, content)})
    assert response.status_code == 202
    return str(response.json()["id"])


async def test_the_events_of_a_document_end_with_its_final_state(tmp_path: Path) -> None:
    async with service(tmp_path) as client:
        id = await upload(client, long_paper(tmp_path, pages=40))
        response = await client.get(f"/documents/{id}/events")
        assert response.headers["content-type"].startswith("text/event-stream")
        told = events(response.text)
        assert [number for number, _, _ in told] == list(range(1, len(told) + 1))
        *steps, (_, last, data) = told
        assert {name for _, name, _ in steps} == {"progress"}
        assert last == "done"
        assert data["document"] == (await client.get(f"/documents/{id}")).json()
        assert data["document"]["status"] == "ready"
        # Of one that has ended there is nothing more to wait for.
        again = events((await client.get(f"/documents/{id}/events")).text)
        assert [name for _, name, _ in again] == ["progress", "done"]


async def test_a_failed_document_ends_its_events_with_the_reason(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7 nothing more")
    async with service(tmp_path) as client:
        id = await upload(client, broken)
        _, name, data = events((await client.get(f"/documents/{id}/events")).text)[-1]
        assert (name, data["document"]["status"]) == ("done", "failed")
        assert data["document"]["error"]
        retried = await client.post(f"/documents/{id}/retry")
        assert (retried.status_code, retried.json()["error"]) == (202, None)


async def test_who_follows_a_document_is_told_when_it_is_removed(tmp_path: Path) -> None:
    async with service(tmp_path) as client:
        id = await upload(client, long_paper(tmp_path))
        app = client._transport.app  # type: ignore[attr-defined]  # the application behind the client
        app.state.services.tasks.start_soon(client.delete, f"/documents/{id}")
        _, name, data = events((await client.get(f"/documents/{id}/events")).text)[-1]
        assert (name, data["error"]) == ("error", "DocumentNotFound")


async def test_what_does_not_fit_the_state_of_a_document_is_a_conflict(tmp_path: Path) -> None:
    async with service(tmp_path) as client:
        ready = (await client.get("/documents")).json()[0]["id"]
        for what, error in (("cancel", "NotIndexing"), ("retry", "NotFailed")):
            response = await client.post(f"/documents/{ready}/{what}")
            assert (response.status_code, response.json()["error"]) == (409, error)
        for address in ("/documents/nowhere/events", "/documents/nowhere/cancel", "/documents/nowhere/retry"):
            response = await client.request("GET" if address.endswith("events") else "POST", address)
            assert (response.status_code, response.json()["error"]) == (404, "DocumentNotFound")


async def test_cancelling_over_http_ends_an_indexing(tmp_path: Path) -> None:
    async with service(tmp_path) as client:
        id = await upload(client, long_paper(tmp_path))
        cancelled = await client.post(f"/documents/{id}/cancel")
        assert (cancelled.status_code, cancelled.json()["status"]) == (202, "failed")
        # It is not indexed all the same a moment later.
        await client.get(f"/documents/{await upload(client, long_paper(tmp_path, pages=3))}/events")
        assert (await client.get(f"/documents/{id}")).json()["status"] == "failed"


async def test_readiness_tells_how_far_folder_and_indexes_are(tmp_path: Path) -> None:
    async with service(tmp_path) as client:
        body = (await client.get("/ready")).json()
        assert body["ready"]
        assert (body["files_left"], body["reindexing"], body["problem"]) == (0, None, None)
