"""The API over HTTP: what it answers."""

from pathlib import Path

import anyio

from tests.api import PDFS, events, service, start
from tests.world import SAMPLES, open_client, weightless


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
        numbers = [number for number, _, _ in sent]
        assert numbers == sorted(set(numbers))
        assert numbers[:2] == [1, 2]
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


async def test_health_and_readiness(tmp_path: Path) -> None:
    async with service(tmp_path) as client:
        assert (await client.get("/health")).json() == {"status": "alive"}
        ready = await client.get("/ready")
        assert ready.status_code == 200
        assert ready.json()["documents"] == {"ready": 2}
        assert ready.headers["x-request-id"]


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
