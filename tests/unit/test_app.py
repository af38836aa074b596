"""The API over HTTP: what it answers, and what it says when a request is not right."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from tests.world import SAMPLES, open_client, weightless
from tunedd_api.app import create_app

JSON = {"Content-Type": "application/json"}
PDFS = sorted(SAMPLES.glob("*.pdf"))


@asynccontextmanager
async def service(home: Path, **changes: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A service over the two sample papers."""
    folder = home / "papers"
    folder.mkdir(exist_ok=True)
    for pdf in PDFS:
        (folder / pdf.name).write_bytes(pdf.read_bytes())
    async with open_client(weightless(home, **changes)) as client:
        yield client


async def start(client: httpx.AsyncClient, **body: object) -> str:
    response = await client.post("/conversations", json=body)
    assert response.status_code == 201
    return str(response.json()["id"])


def events(text: str) -> list[tuple[int, str, Any]]:
    """The server-sent events of a body: id, name, data."""
    found = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return found


async def test_a_whole_answer_as_json(tmp_path: Path) -> None:
    async with service(tmp_path) as client:
        conversation = await start(client)
        response = await client.post(
            f"/conversations/{conversation}/messages", json={"content": "How is a quote verified?"}
        )
        assert response.status_code == 200
        message = response.json()
        assert (message["role"], message["status"], message["error"]) == ("assistant", "complete", None)
        assert len(message["sources"]) == 5
        assert {"number", "document_id", "title", "page", "text", "score"} <= set(message["sources"][0])
        history = (await client.get(f"/conversations/{conversation}/messages")).json()
        assert [one["role"] for one in history] == ["user", "assistant"]
        assert history[1] == message


async def test_an_answer_as_events(tmp_path: Path) -> None:
    async with service(tmp_path) as client:
        conversation = await start(client)
        response = await client.post(
            f"/conversations/{conversation}/messages/stream", json={"content": "How is a quote verified?"}
        )
        assert response.headers["content-type"].startswith("text/event-stream")
        assert "no-cache" in response.headers["cache-control"]
        assert response.headers["x-accel-buffering"] == "no"
        sent = events(response.text)
        assert [number for number, _, _ in sent] == list(range(1, len(sent) + 1))
        names = [name for _, name, _ in sent]
        assert names[:2] == ["run", "sources"]
        assert set(names[2:-1]) == {"token"}
        assert names[-1] == "done"
        message = sent[-1][2]["message"]
        assert message == (await client.get(f"/conversations/{conversation}/messages")).json()[1]
        assert message["content"] == "".join(data["text"] for _, name, data in sent if name == "token")
        assert sent[0][2] == {"conversation_id": conversation, "message_id": message["id"]}


async def test_conversations_are_listed_renamed_and_deleted(tmp_path: Path) -> None:
    async with service(tmp_path) as client:
        first, second = await start(client), await start(client, title="  Second \n one ")
        listed = (await client.get("/conversations")).json()
        assert [one["id"] for one in listed] == [second, first]
        assert listed[0]["title"] == "Second one"
        assert [one["id"] for one in (await client.get(f"/conversations?before={second}")).json()] == [first]
        renamed = await client.patch(f"/conversations/{first}", json={"title": "Renamed"})
        assert renamed.json()["title"] == "Renamed"
        assert (await client.delete(f"/conversations/{first}")).status_code == 204
        assert (await client.get(f"/conversations/{first}")).status_code == 404


async def test_the_first_question_gives_a_conversation_its_title(tmp_path: Path) -> None:
    async with service(tmp_path) as client:
        conversation = await start(client)
        for question in ("What is retrieval?", "And then?"):
            await client.post(f"/conversations/{conversation}/messages", json={"content": question})
        titled = (await client.get(f"/conversations/{conversation}")).json()
        assert titled["title"] == "What is retrieval?"


async def test_a_conversation_limited_to_one_document_is_answered_from_it_alone(tmp_path: Path) -> None:
    async with service(tmp_path) as client:
        chosen = (await client.get("/documents")).json()[0]["id"]
        conversation = await start(client, document_ids=[chosen])
        message = (
            await client.post(
                f"/conversations/{conversation}/messages", json={"content": "What is it about?"}
            )
        ).json()
        assert {source["document_id"] for source in message["sources"]} == {chosen}


async def test_documents_are_listed_shown_sent_and_deleted(tmp_path: Path) -> None:
    async with service(tmp_path) as client:
        documents = (await client.get("/documents")).json()
        assert len(documents) == 2
        for document in documents:
            assert document["status"] == "ready"
            assert document["passages"] > 0
            assert document["pages"] in (2, 3)
        one = documents[0]
        assert (await client.get(f"/documents/{one['id']}")).json() == one
        file = await client.get(f"/documents/{one['id']}/file")
        assert file.content == (SAMPLES / one["file"]).read_bytes()
        assert file.headers["content-type"] == "application/pdf"
        assert (await client.delete(f"/documents/{one['id']}")).status_code == 204
        assert (await client.get(f"/documents/{one['id']}")).status_code == 404
        hits = (await client.get("/search", params={"q": "retrieval citation quote"})).json()
        assert {hit["document_id"] for hit in hits} == {documents[1]["id"]}


async def test_an_uploaded_pdf_is_indexed_and_the_same_file_twice_is_one_document(tmp_path: Path) -> None:
    async with open_client(weightless(tmp_path)) as client:
        sent = {"file": ("../../My paper.pdf", PDFS[0].read_bytes(), "application/pdf")}
        first = await client.post("/documents", files=sent)
        assert first.status_code == 202
        assert first.json()["file"] == "My paper.pdf"
        again = await client.post("/documents", files=sent)
        assert again.json()["id"] == first.json()["id"]
        with anyio.fail_after(30):
            while (await client.get(first.headers["location"])).json()["status"] != "ready":
                await anyio.sleep(0.02)


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


async def test_health_and_readiness(tmp_path: Path) -> None:
    async with service(tmp_path) as client:
        assert (await client.get("/health")).json() == {"status": "alive"}
        ready = await client.get("/ready")
        assert ready.status_code == 200
        assert ready.json()["documents"] == {"ready": 2}
        assert ready.headers["x-request-id"]


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
        if path in ("/health", "/ready"):
            continue
        for operation in methods.values():
            problem = operation["responses"]["422"]["content"]["application/json"]["schema"]
            assert set(problem["properties"]) == {"error", "message"}


async def test_only_the_configured_origins_may_call_from_a_browser(tmp_path: Path) -> None:
    async with open_client(
        weightless(tmp_path, cors_origins="https://a.example, https://b.example")
    ) as client:
        allowed = await client.get("/health", headers={"Origin": "https://b.example"})
        assert allowed.headers["access-control-allow-origin"] == "https://b.example"
        refused = await client.get("/health", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in refused.headers


async def test_a_restart_keeps_conversations_and_embeds_nothing_again(tmp_path: Path) -> None:
    async with service(tmp_path) as client:
        conversation = await start(client)
        await client.post(f"/conversations/{conversation}/messages", json={"content": "What is retrieval?"})
        history = (await client.get(f"/conversations/{conversation}/messages")).json()
        documents = (await client.get("/documents")).json()
    stored = (tmp_path / "passages.db").read_bytes()
    async with service(tmp_path) as client:
        assert (await client.get(f"/conversations/{conversation}/messages")).json() == history
        assert (await client.get("/documents")).json() == documents
    assert (tmp_path / "passages.db").read_bytes() == stored
