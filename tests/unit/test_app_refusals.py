"""The API over HTTP: what it says when a request is not right, or cannot be answered now."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from tests.api import JSON, PDFS, events, service, start
from tests.world import open_client, weightless
from tunedd_api.app import create_app


@pytest.mark.parametrize(
    ("body", "name", "says"),
    [
        ({"content": ""}, "EmptyMessage", "Write a question"),
        ({"content": " \n\t "}, "EmptyMessage", "Write a question"),
        ({"content": "x" * 5000}, "MessageTooLong", "at most 4000"),
        ({}, "InvalidRequest", "content"),
        ({"content": 7}, "InvalidRequest", "content"),
        ([], "InvalidRequest", "application/json"),
        ({"content": "half \ud83d a pair"}, "NotText", "Unicode"),
    ],
)
async def test_a_message_that_is_none_is_refused_with_a_sentence(
    tmp_path: Path, body: object, name: str, says: str
) -> None:
    async with open_client(weightless(tmp_path)) as client:
        conversation = await start(client)
        for way in ("messages", "messages/stream"):
            response = await client.post(
                f"/conversations/{conversation}/{way}", content=json.dumps(body), headers=JSON
            )
            assert response.status_code == 422
            assert response.json()["error"] == name
            assert says in response.json()["message"]
        assert (await client.get(f"/conversations/{conversation}/messages")).json() == []


@pytest.mark.parametrize(
    ("ids", "name", "says"),
    [([], "EmptyScope", "Leave document_ids out"), (["nowhere"], "UnknownDocuments", "nowhere")],
)
async def test_a_choice_of_no_or_unknown_documents_is_refused(
    tmp_path: Path, ids: list[str], name: str, says: str
) -> None:
    async with open_client(weightless(tmp_path)) as client:
        response = await client.post("/conversations", json={"document_ids": ids})
        assert (response.status_code, response.json()["error"]) == (422, name)
        assert says in response.json()["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/conversations/none"),
        ("PATCH", "/conversations/none"),
        ("DELETE", "/conversations/none"),
        ("GET", "/conversations/none/messages"),
        ("POST", "/conversations/none/messages"),
        ("POST", "/conversations/none/messages/stream"),
        ("GET", "/documents/none"),
        ("GET", "/documents/none/file"),
        ("DELETE", "/documents/none"),
        ("GET", "/nothing/here"),
    ],
)
async def test_what_is_not_there_is_404_and_json(tmp_path: Path, method: str, path: str) -> None:
    async with open_client(weightless(tmp_path)) as client:
        body = {"json": {"content": "Hello?", "title": "x"}} if method in ("POST", "PATCH") else {}
        response = await client.request(method, path, **body)  # type: ignore[arg-type]  # one of two shapes
        assert response.status_code == 404
        assert set(response.json()) == {"error", "message"}


async def test_a_file_that_is_no_pdf_is_refused_and_one_too_large_too(tmp_path: Path) -> None:
    async with open_client(weightless(tmp_path, max_upload_mb=1)) as client:
        text = await client.post("/documents", files={"file": ("a.pdf", b"plain text")})
        assert (text.status_code, text.json()["error"]) == (422, "NotAPdf")
        empty = await client.post("/documents", files={"file": ("a.pdf", b"")})
        assert (empty.status_code, empty.json()["error"]) == (422, "NotAPdf")
        long = await client.post("/conversations", content=b" " * (2 << 20))
        assert (long.status_code, long.json()["error"]) == (413, "TooLarge")

        async def without_length() -> AsyncIterator[bytes]:
            yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%PDF-'
            for _ in range(3):
                yield bytes(1 << 20)

        form = {"Content-Type": "multipart/form-data; boundary=x"}
        endless = await client.post("/documents", content=without_length(), headers=form)
        assert (endless.status_code, endless.json()["error"]) == (413, "TooLarge")
        two = [("file", ("a.pdf", b"%PDF-")), ("file", ("b.pdf", b"%PDF-"))]
        odd_forms: tuple[dict[str, Any], ...] = ({"files": two}, {"data": {"file": "text"}}, {"json": {}})
        for odd in odd_forms:
            refused = await client.post("/documents", **odd)
            assert refused.status_code == 422
            assert "form field 'file'" in refused.json()["message"]
        many = await client.post(
            "/documents", files=[("other", (f"{number}", b"")) for number in range(1100)]
        )
        assert (many.status_code, many.json()["error"]) == (422, "InvalidRequest")
        assert "form field 'file'" in many.json()["message"]
        broken = await client.post("/documents", content=b'{"arxiv_id": ', headers=JSON)
        assert "Send a JSON object" in broken.json()["message"]
        large = await client.post("/documents", files={"file": ("a.pdf", b"%PDF-" + bytes(2 << 20))})
        assert (large.status_code, large.json()["error"]) == (413, "TooLarge")
        assert "TUNEDD_MAX_UPLOAD_MB" in large.json()["message"]
        assert (await client.get("/documents")).json() == []


async def test_a_broken_pdf_fails_with_a_reason_and_harms_no_other(tmp_path: Path) -> None:
    async with open_client(weightless(tmp_path)) as client:
        bad = await client.post("/documents", files={"file": ("bad.pdf", b"%PDF-1.7 and then nothing")})
        good = await client.post("/documents", files={"file": ("good.pdf", PDFS[0].read_bytes())})
        with anyio.fail_after(60):
            while (await client.get(good.headers["location"])).json()["status"] != "ready":
                await anyio.sleep(0.02)
        failed = (await client.get(bad.headers["location"])).json()
        assert failed["status"] == "failed"
        assert failed["error"]


async def test_a_question_before_any_document_is_503_and_says_when_to_come_back(tmp_path: Path) -> None:
    async with open_client(weightless(tmp_path)) as client:
        conversation = await start(client)
        for way in ("messages", "messages/stream"):
            response = await client.post(f"/conversations/{conversation}/{way}", json={"content": "Hello?"})
            assert (response.status_code, response.json()["error"]) == (503, "NothingReady")
            assert int(response.headers["retry-after"]) > 0
        assert (await client.get("/search", params={"q": "hello"})).status_code == 503


async def test_a_conversation_whose_documents_are_all_deleted_says_so(tmp_path: Path) -> None:
    async with service(tmp_path) as client:
        chosen = (await client.get("/documents")).json()[0]["id"]
        conversation = await start(client, document_ids=[chosen])
        await client.delete(f"/documents/{chosen}")
        assert (await client.get(f"/conversations/{conversation}")).json()["document_ids"] == []
        response = await client.post(f"/conversations/{conversation}/messages", json={"content": "Hello?"})
        assert (response.status_code, response.json()["error"]) == (409, "NoDocumentsLeft")


@pytest.mark.parametrize("query", [{"q": ""}, {"q": "   "}, {}, {"q": "x", "limit": "0"}])
async def test_a_search_for_nothing_is_refused(tmp_path: Path, query: dict[str, str]) -> None:
    async with service(tmp_path) as client:
        assert (await client.get("/search", params=query)).status_code == 422


async def test_without_its_model_everything_but_answers_works(tmp_path: Path) -> None:
    model = "llama:qwen2.5-coder-1.5b-instruct"
    async with service(tmp_path, chat_model=model, models=tmp_path / "none") as client:
        assert (await client.get("/search", params={"q": "citation"})).status_code == 200
        ready = await client.get("/ready")
        assert ready.status_code == 503
        assert "tunedd models pull" in ready.json()["chat_model"]["reason"]
        conversation = await start(client)
        whole = await client.post(f"/conversations/{conversation}/messages", json={"content": "What?"})
        assert (whole.status_code, whole.json()["error"]) == (503, "ModelUnavailable")
        streamed = await client.post(
            f"/conversations/{conversation}/messages/stream", json={"content": "What?"}
        )
        names = [name for _, name, _ in events(streamed.text)]
        assert names == ["run", "sources", "error"]
        history = (await client.get(f"/conversations/{conversation}/messages")).json()
        assert [one["status"] for one in history] == ["complete", "failed"] * 2


@pytest.mark.parametrize("path", ["/documents", "/conversations"])
async def test_a_list_that_goes_on_behind_nothing_says_so(tmp_path: Path, path: str) -> None:
    async with open_client(weightless(tmp_path)) as client:
        assert (await client.get(f"{path}?before=nowhere")).status_code == 404


async def test_a_bug_is_answered_as_json_that_a_browser_may_read(tmp_path: Path) -> None:
    settings = weightless(tmp_path, cors_origins="https://a.example/")
    app = create_app(settings)
    app.add_api_route("/bug", lambda: 1 // 0)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            response = await client.get("/bug", headers={"Origin": "https://a.example"})
    assert (response.status_code, response.json()["error"]) == (500, "InternalError")
    assert response.headers["access-control-allow-origin"] == "https://a.example"
    assert response.headers["x-request-id"]


async def test_the_description_of_the_api_tells_of_its_errors(tmp_path: Path) -> None:
    async with open_client(weightless(tmp_path)) as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
    for path, methods in paths.items():
        if path in ("/health", "/ready", "/metrics"):
            continue
        for operation in methods.values():
            problem = operation["responses"]["422"]["content"]["application/json"]["schema"]
            assert set(problem["properties"]) == {"error", "message"}
