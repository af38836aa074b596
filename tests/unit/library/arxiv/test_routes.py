"""POST /documents with an arXiv id, over HTTP."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import httpx
import pytest

from tests.api import JSON, PDFS
from tests.arxiv import publish
from tests.file_server import Answer, FileServer
from tests.world import open_client, weightless

ID = "2402.03578v1"


@pytest.fixture
async def client(server: FileServer, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with open_client(weightless(tmp_path, arxiv_url=server.url(""))) as client:
        yield client


async def test_a_paper_is_accepted_and_then_ready(server: FileServer, client: httpx.AsyncClient) -> None:
    publish(server, ID)
    accepted = await client.post("/documents", json={"arxiv_id": f"https://arxiv.org/abs/{ID}"})
    assert accepted.status_code == 202
    location = accepted.headers["Location"]
    assert location == f"/documents/{accepted.json()['id']}"
    document = accepted.json()
    with anyio.fail_after(60):
        while document["status"] not in ("ready", "failed"):
            document = (await client.get(location)).json()
            await anyio.sleep(0.01)
    assert (document["status"], document["arxiv_id"]) == ("ready", ID)
    assert document["title"] == "LLM Multi-Agent Systems: Challenges and Open Problems"
    assert document["categories"] == ["cs.MA", "cs.AI"]


async def test_a_file_is_taken_as_before_and_arxiv_left_alone(
    server: FileServer, client: httpx.AsyncClient
) -> None:
    sent = await client.post("/documents", files={"file": ("a.pdf", PDFS[0].read_bytes())})
    assert sent.status_code == 202
    assert server.seen == []


@pytest.mark.parametrize(
    ("reference", "status", "error"),
    [
        ("https://example.org/abs/2402.03578", 422, "NotAnArxivId"),
        ("2402.00001v1", 404, "PaperNotFound"),
        ("2402.00002v1", 503, "PaperUnavailable"),
    ],
)
async def test_each_failure_has_its_status(
    server: FileServer, client: httpx.AsyncClient, reference: str, status: int, error: str
) -> None:
    server.put(
        "/api/query?id_list=2402.00002v1&max_results=1", Answer(status=429, headers={"Retry-After": "120"})
    )
    refused = await client.post("/documents", json={"arxiv_id": reference})
    assert (refused.status_code, refused.json()["error"]) == (status, error)
    assert refused.headers.get("Retry-After") == ("120" if status == 503 else None)


async def test_an_unreachable_arxiv_is_503_and_says_when_to_ask_again(tmp_path: Path) -> None:
    async with open_client(weightless(tmp_path, arxiv_url="http://127.0.0.1:1")) as client:
        refused = await client.post("/documents", json={"arxiv_id": ID})
    assert (refused.status_code, refused.json()["error"]) == (503, "ArxivUnreachable")
    assert int(refused.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    "content", [b"{}", b'{"arxiv_id": 2402.03578}', b'{"arxiv_id": null}', b"[]", b"not JSON", b"", b"\xff"]
)
async def test_a_body_of_another_shape_is_refused(
    server: FileServer, client: httpx.AsyncClient, content: bytes
) -> None:
    refused = await client.post("/documents", content=content, headers=JSON)
    assert (refused.status_code, refused.json()["error"]) == (422, "InvalidRequest")
    assert server.seen == []


async def test_a_huge_body_is_refused_before_it_is_read(client: httpx.AsyncClient) -> None:
    body = json.dumps({"arxiv_id": "2" * 100_000}).encode()
    sent = 0

    async def without_length() -> AsyncIterator[bytes]:
        nonlocal sent
        for start in range(0, len(body), 1000):
            sent += 1000
            yield body[start : start + 1000]

    for refused in (
        await client.post("/documents", content=body, headers=JSON),
        await client.post("/documents", content=without_length(), headers=JSON),
    ):
        assert (refused.status_code, refused.json()["error"]) == (413, "TooLarge")


async def test_what_else_is_at_the_address_stays(client: httpx.AsyncClient) -> None:
    assert (await client.get("/documents", headers=JSON)).json() == []
    other = await client.put("/documents", json={"arxiv_id": ID})
    assert (other.status_code, other.json()["error"]) == (405, "NoSuchAddress")
    text = await client.post("/documents", content=b'{"arxiv_id": "2402.03578v1"}')
    assert "arxiv_id" in text.json()["message"]


async def test_a_paper_larger_than_an_upload_may_be_is_refused(server: FileServer, tmp_path: Path) -> None:
    publish(server, ID, pdf=b"%PDF-1.7 " + bytes(1 << 20))
    async with open_client(weightless(tmp_path, arxiv_url=server.url(""), max_upload_mb=1)) as client:
        refused = await client.post("/documents", json={"arxiv_id": ID})
        assert (refused.status_code, refused.json()["error"]) == (422, "PaperTooLarge")


async def test_both_ways_are_described_as_one_operation(client: httpx.AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()["paths"]["/documents"]["post"]
    content = described["requestBody"]["content"]
    assert set(content) == {"multipart/form-data", "application/json"}
    assert "arxiv_id" in content["application/json"]["schema"]["properties"]
    assert {"202", "404", "422", "503"} <= set(described["responses"])
