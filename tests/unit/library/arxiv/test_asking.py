"""How arXiv is asked: one at a time, with pauses, again when it is busy, and nobody else."""

from contextlib import nullcontext, suppress

import anyio
import httpx
import pytest

from tests.arxiv import Watch
from tests.file_server import Answer, FileServer
from tunedd_api.library.arxiv.asking import Asking
from tunedd_api.library.arxiv.model import ArxivUnreachable, PaperNotFound, PaperUnavailable

PATH = "/pdf/2401.13138v6"


async def read(response: httpx.Response) -> bytes:
    return await response.aread()


async def get(asking: Asking, url: str, *, seconds: float = 60.0) -> bytes:
    return await asking.get(url, read, what="paper", seconds=seconds)


async def test_one_waits_between_two_requests_for_as_long_as_is_left(
    server: FileServer, asking: Asking, watch: Watch
) -> None:
    url = server.put(PATH, Answer(body=b"paper"))
    await get(asking, url)
    assert watch.pauses == []
    watch.now += 1
    await get(asking, url)
    assert watch.pauses == [2.0]
    watch.now += 60
    await get(asking, url)
    assert watch.pauses == [2.0]


async def test_requests_go_one_after_the_other(server: FileServer, asking: Asking, watch: Watch) -> None:
    url = server.put(PATH, Answer(body=b"paper"))
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(get, asking, url)
    assert watch.pauses == [3.0, 3.0]


async def test_a_busy_arxiv_is_asked_again_after_the_seconds_it_names(
    server: FileServer, asking: Asking, watch: Watch
) -> None:
    url = server.put(PATH, Answer(status=503, headers={"Retry-After": "20"}), Answer(body=b"paper"))
    assert await get(asking, url) == b"paper"
    assert watch.pauses == [20.0]


async def test_one_that_asks_for_too_long_a_wait_is_told_of_with_the_wait(
    server: FileServer, asking: Asking
) -> None:
    url = server.put(PATH, Answer(status=429, headers={"Retry-After": "3600"}))
    with pytest.raises(PaperUnavailable, match="429") as raised:
        await get(asking, url)
    assert raised.value.retry_after == 3600
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "after", ["\xb2", "-1", "soon", "9" * 400, "1 Jan 99999999999999999999 00:00:00 GMT"]
)
async def test_an_odd_wish_to_wait_is_no_bug(server: FileServer, asking: Asking, after: str) -> None:
    url = server.put(PATH, Answer(status=429, headers={"Retry-After": after}))
    with pytest.raises(PaperUnavailable, match="429"):
        await get(asking, url)


async def test_a_broken_connection_is_tried_again(server: FileServer, asking: Asking) -> None:
    url = server.put(PATH, Answer(body=b"paper" * 100, break_after=200), Answer(body=b"whole"))
    assert await get(asking, url) == b"whole"


async def test_retries_end(server: FileServer, asking: Asking) -> None:
    url = server.put(PATH, Answer(status=500))
    with pytest.raises(PaperUnavailable, match="500"):
        await get(asking, url)
    assert len(server.seen) == 3


@pytest.mark.parametrize("status", [400, 404, 410])
async def test_what_is_not_there_is_not_asked_for_twice(
    server: FileServer, asking: Asking, status: int
) -> None:
    url = server.put(PATH, Answer(status=status))
    with pytest.raises(PaperNotFound, match=f"no paper.*{status}"):
        await get(asking, url)
    assert len(server.seen) == 1


async def test_a_redirect_on_the_same_host_is_followed(server: FileServer, asking: Asking) -> None:
    url = server.put(PATH, Answer(status=301, headers={"Location": f"{PATH}.pdf"}))
    server.put(f"{PATH}.pdf", Answer(body=b"paper"))
    assert await get(asking, url) == b"paper"


@pytest.mark.parametrize(
    "location",
    [
        "http://localhost:{port}/elsewhere",
        "https://127.0.0.1:{port}/elsewhere",
        "http://127.0.0.1:1/elsewhere",
        "http://127.0.0.1:{port}@localhost/elsewhere",
        "//localhost:{port}/elsewhere",
        "file:///etc/passwd",
        "ftp://127.0.0.1:{port}/elsewhere",
        "data:application/pdf,%PDF-",
        "http://[::1",
        "http://\xff\xfe/",
        "http:",
    ],
)
async def test_a_redirect_to_anybody_else_is_not_followed(
    server: FileServer, asking: Asking, location: str
) -> None:
    server.put("/elsewhere", Answer(body=b"paper"))
    url = server.put(PATH, Answer(status=302, headers={"Location": location.format(port=server.port)}))
    with pytest.raises(PaperUnavailable):
        await get(asking, url)
    assert {seen.path for seen in server.seen} == {PATH}


@pytest.mark.parametrize(
    ("location", "followed"),
    [
        ("https://arxiv.org/pdf/1", True),
        ("https://export.arxiv.org:443/pdf/1", True),
        ("http://arxiv.org/pdf/1", False),
        ("https://arxiv.org:8443/pdf/1", False),
        ("https://arxiv.org.example.org/pdf/1", False),
        ("https://web.arxiv.org/pdf/1", False),
    ],
)
async def test_the_real_arxiv_may_redirect_to_its_own_two_hosts_alone(location: str, followed: bool) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(302, headers={"Location": location}) if len(asked) == 1 else httpx.Response(200)

    asking = Asking(
        lambda: httpx.AsyncClient(transport=httpx.MockTransport(answer)),
        hosts=frozenset({"https://arxiv.org", "https://export.arxiv.org"}),
    )
    with nullcontext() if followed else pytest.raises(PaperUnavailable, match="not followed"):
        await get(asking, "https://arxiv.org/pdf/0")
    assert len(asked) == 1 + followed
    await asking.close()


async def test_endless_redirects_end(server: FileServer, asking: Asking) -> None:
    url = server.put(PATH, Answer(status=302, headers={"Location": PATH}))
    with pytest.raises(PaperUnavailable, match="without end"):
        await get(asking, url)


async def test_an_unreachable_arxiv_is_said(asking: Asking) -> None:
    with pytest.raises(ArxivUnreachable, match=r"127\.0\.0\.1 cannot be reached"):
        await get(asking, "http://127.0.0.1:1/")


async def test_an_answer_that_drips_is_given_up_and_the_next_one_is_heard(
    server: FileServer, asking: Asking
) -> None:
    async def drip(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while True:
                await stream.send(b"x")
                await anyio.sleep(0.01)

    async def serve(listener: anyio.abc.Listener[anyio.abc.SocketStream]) -> None:
        # The client leaves in the middle of a sentence.
        async def until_left(stream: anyio.abc.SocketStream) -> None:
            with suppress(anyio.BrokenResourceError, anyio.EndOfStream):
                await drip(stream)

        await listener.serve(until_left)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(serve, listener)
        with pytest.raises(PaperUnavailable, match="within 0 seconds"):
            await get(asking, f"http://127.0.0.1:{port}/", seconds=0.3)
        tasks.cancel_scope.cancel()
    assert await get(asking, server.put(PATH, Answer(body=b"paper"))) == b"paper"


async def test_nobody_is_contacted_and_nothing_is_opened_before_the_first_request() -> None:
    opened: list[str] = []

    def open_client() -> httpx.AsyncClient:
        opened.append("a client")
        return httpx.AsyncClient()

    await Asking(open_client, hosts=frozenset()).close()
    assert opened == []
