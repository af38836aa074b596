"""`GET /metrics`: what is counted, under which names, and what is never in it."""

from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.api import JSON, service, start
from tests.metrics import scrape
from tests.pdfs import write_pdf
from tests.servers.finding import free_port
from tests.world import open_client, weightless
from tunedd_api.app import create_app
from tunedd_api.measures import AnswerStage, IndexingStage

MARKED = "Xylophagous"


async def test_an_answer_is_counted_with_its_stages_and_its_tokens(tmp_path: Path) -> None:
    async with service(tmp_path) as client:
        before = await scrape(client)
        assert before.value("answer_duration_seconds_count", status="complete") is None
        conversation = await start(client)
        url = f"/conversations/{conversation}/messages"
        message = (await client.post(url, json={"content": "How is a quote verified?"})).json()
        seen = await scrape(client)
    assert seen.value("answers_total", status="complete", error="") == 1
    assert seen.value("answer_duration_seconds_count", status="complete") == 1
    assert seen.value("first_token_seconds_count") == 1
    for stage in AnswerStage:
        assert before.value("answer_stage_seconds_count", stage=stage) == 0
        assert seen.value("answer_stage_seconds_count", stage=stage) == 1
    assert seen.value("tokens_total", kind="prompt") == message["usage"]["prompt_tokens"]
    assert seen.value("tokens_total", kind="answer") == message["usage"]["completion_tokens"]
    assert (seen.value("answers_running"), seen.value("answers_waiting")) == (0, 0)


async def test_an_answer_that_fails_is_counted_with_the_name_of_its_error(tmp_path: Path) -> None:
    nowhere = "openai+http://127.0.0.1:9/v1?model=absent"
    async with service(tmp_path, chat_model=nowhere) as client:
        conversation = await start(client)
        await client.post(f"/conversations/{conversation}/messages", json={"content": "Why?"})
        seen = await scrape(client)
    failed = {"status": "failed", "error": "ModelUnavailable"}
    assert seen.value("answers_total", **failed) == 1
    assert seen.value("first_token_seconds_count") == 0
    assert seen.value("answer_stage_seconds_count", stage="storing") == 1


async def test_requests_are_counted_by_the_template_of_their_route(tmp_path: Path) -> None:
    async with service(tmp_path) as client:
        for unknown in ("one", "two"):
            await client.get(f"/documents/{unknown}")
        await client.get("/nowhere/at/all")
        await client.request("BREW", "/health")
        seen = await scrape(client)
    count = "http_request_duration_seconds_count"
    assert seen.value(count, method="GET", route="/documents/{document_id}", status="404") == 2
    assert seen.value(count, method="GET", route="other", status="404") == 1
    assert seen.value(count, method="other", route="/health", status="405") == 1


async def test_indexing_is_counted_and_what_is_stored_measured(tmp_path: Path) -> None:
    async with service(tmp_path) as client:
        documents = (await client.get("/documents")).json()
        seen = await scrape(client)
        passages = sum(document["passages"] for document in documents)
        assert seen.value("documents_indexed_total") == 2
        assert seen.value("documents", state="ready", index="serving") == 2
        assert seen.value("documents", state="queued", index="serving") == 0
        assert seen.value("passages", index="serving") == passages
        assert seen.value("passages_written_total") == passages
        assert seen.value("indexing_paused") == 0
        assert seen.value("database_up") == 1
        for stage in IndexingStage:
            assert seen.value("indexing_stage_seconds_count", stage=stage) == 2
        files = sum(file.stat().st_size for file in (tmp_path / "files").rglob("*"))
        assert seen.value("store_bytes", store="files") == files
        for store in ("database", "passages"):
            assert (seen.value("store_bytes", store=store) or 0) > 0


async def test_a_document_that_fails_is_counted_with_the_name_of_its_error(tmp_path: Path) -> None:
    (tmp_path / "papers").mkdir()
    write_pdf(tmp_path / "papers" / "scan.pdf", [[]])
    async with open_client(weightless(tmp_path)) as client:
        seen = await scrape(client)
    assert seen.value("documents_failed_total", error="NoText") == 1
    assert seen.value("documents_indexed_total") == 0
    assert seen.value("documents", state="failed", index="serving") == 1


async def test_nothing_that_anybody_sent_is_in_it(tmp_path: Path) -> None:
    async with service(tmp_path) as client:
        conversation = await start(client, title=MARKED)
        await client.post(f"/conversations/{conversation}/messages", json={"content": f"{MARKED}?"})
        await client.get("/search", params={"q": MARKED})
        await client.get(f"/documents/{MARKED}")
        await client.get(f"/{MARKED}")
        await client.request(MARKED.upper(), "/documents")
        await client.post("/conversations", content=f'{{"document_ids": ["{MARKED}"]}}', headers=JSON)
        seen = await scrape(client)
    assert MARKED.lower() not in seen.text.lower()
    assert conversation not in seen.text


async def test_two_applications_in_one_process_count_apart(tmp_path: Path) -> None:
    homes = [tmp_path / "one", tmp_path / "two"]
    for home in homes:
        home.mkdir()
    async with service(homes[0]) as first, open_client(weightless(homes[1])) as second:
        assert (await scrape(first)).value("documents_indexed_total") == 2
        assert (await scrape(second)).value("documents_indexed_total") == 0


async def test_every_metric_has_a_help_text_and_our_prefix(tmp_path: Path) -> None:
    async with open_client(weightless(tmp_path)) as client:
        seen = await scrape(client)
    families = list(text_string_to_metric_families(seen.text))
    assert {family.name.partition("_")[0] for family in families} == {"tunedd", "process", "python"}
    ours = [family for family in families if family.name.startswith("tunedd_")]
    assert len(ours) >= 20
    assert [family.name for family in ours if not family.documentation.endswith(".")] == []


async def test_probes_are_answered_while_the_servers_are_awaited(tmp_path: Path) -> None:
    nowhere = f"postgresql://nobody@127.0.0.1:{free_port()}/tunedd"
    app = create_app(weightless(tmp_path, database_url=nowhere))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            assert (await client.get("/health")).status_code == 200
            assert (await client.get("/ready")).status_code == 503
            assert (await client.get("/metrics")).status_code == 503
