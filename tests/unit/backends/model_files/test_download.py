"""Downloads against a server that behaves well, badly, or not at all."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.file_server import Answer, FileServer, serve_files
from tunedd_api.backends.model_files.download import Download, SourceUnreachable, open_client
from tunedd_api.backends.model_files.patience import Patience
from tunedd_api.backends.model_files.placement import DownloadFailed, WrongBytes

BODY = bytes(range(256)) * 1000


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_files() as server:
        yield server


class Fetch:
    """Fetches BODY from an address and remembers the pauses and the progress."""

    def __init__(self, folder: Path) -> None:
        self.part = folder / "file.part"
        self.pauses: list[float] = []
        self.progress: list[int] = []

    async def __call__(self, url: str, *, attempts: int = 3) -> bytes:
        async def sleep(seconds: float) -> None:
            self.pauses.append(seconds)

        patience = Patience(attempts=attempts, sleep=sleep)
        async with open_client() as client:
            await Download(
                client,
                url,
                part=self.part,
                size=len(BODY),
                progress=self.progress.append,
                patience=patience,
            ).run()
        return self.part.read_bytes()


@pytest.fixture
def fetch(tmp_path: Path) -> Fetch:
    return Fetch(tmp_path)


async def test_file_arrives_whole_and_progress_counts_up_to_its_size(
    server: FileServer, fetch: Fetch
) -> None:
    assert await fetch(server.put("/file", Answer(body=BODY))) == BODY
    assert fetch.progress == sorted(fetch.progress)
    assert fetch.progress[-1] == len(BODY)


async def test_request_names_the_product(server: FileServer, fetch: Fetch) -> None:
    await fetch(server.put("/file", Answer(body=BODY)))
    assert server.seen[0].headers["User-Agent"].startswith("tunedd-api/")


async def test_download_goes_on_where_an_earlier_one_stopped(server: FileServer, fetch: Fetch) -> None:
    fetch.part.write_bytes(BODY[:1000])
    assert await fetch(server.put("/file", Answer(body=BODY))) == BODY
    assert server.seen[0].headers["Range"] == "bytes=1000-"


async def test_server_that_ignores_ranges_sends_the_file_from_the_start(
    server: FileServer, fetch: Fetch
) -> None:
    fetch.part.write_bytes(BODY[:1000])
    assert await fetch(server.put("/file", Answer(body=BODY, ranges=False))) == BODY


async def test_server_that_sends_another_range_is_asked_for_the_whole_file(
    server: FileServer, fetch: Fetch
) -> None:
    fetch.part.write_bytes(BODY[:1000])
    assert await fetch(server.put("/file", Answer(body=BODY, wrong_start=True), Answer(body=BODY))) == BODY
    assert "Range" not in server.seen[1].headers


async def test_complete_part_is_not_asked_for_again(server: FileServer, fetch: Fetch) -> None:
    fetch.part.write_bytes(BODY)
    assert await fetch(server.put("/file", Answer(body=BODY))) == BODY
    assert server.seen == []


async def test_part_longer_than_the_file_is_thrown_away(server: FileServer, fetch: Fetch) -> None:
    fetch.part.write_bytes(BODY + b"more")
    assert await fetch(server.put("/file", Answer(body=BODY))) == BODY
    assert "Range" not in server.seen[0].headers


@pytest.mark.parametrize("length", [True, False])
async def test_broken_connections_are_resumed_however_many_bring_something(
    server: FileServer, fetch: Fetch, length: bool
) -> None:
    answer = Answer(body=BODY, break_after=30_000, length=length)
    assert await fetch(server.put("/file", answer), attempts=2) == BODY
    assert len(server.seen) == 9
    assert server.seen[8].headers["Range"] == "bytes=240000-"


@pytest.mark.parametrize("status", [429, 503])
async def test_busy_server_is_asked_again_after_the_seconds_it_names(
    server: FileServer, fetch: Fetch, status: int
) -> None:
    busy = Answer(status=status, headers={"Retry-After": "7"})
    assert await fetch(server.put("/file", busy, Answer(body=BODY))) == BODY
    assert fetch.pauses == [7.0]


async def test_busy_server_may_name_a_date(server: FileServer, fetch: Fetch) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=50), usegmt=True)
    busy = Answer(status=503, headers={"Retry-After": date})
    assert await fetch(server.put("/file", busy, Answer(body=BODY))) == BODY
    assert 0 < fetch.pauses[0] <= 50


async def test_server_that_asks_for_an_hour_is_not_waited_for(server: FileServer, fetch: Fetch) -> None:
    with pytest.raises(DownloadFailed, match="asks to wait until 3600"):
        await fetch(server.put("/file", Answer(status=429, headers={"Retry-After": "3600"})))
    assert fetch.pauses == []


async def test_retries_that_bring_nothing_end(server: FileServer, fetch: Fetch) -> None:
    with pytest.raises(DownloadFailed, match="500"):
        await fetch(server.put("/file", Answer(status=500)), attempts=3)
    assert len(server.seen) == 3
    assert fetch.pauses == [1.0, 2.0]


async def test_missing_file_is_not_asked_for_twice(server: FileServer, fetch: Fetch) -> None:
    with pytest.raises(DownloadFailed, match="404"):
        await fetch(server.url("/nothing"))
    assert len(server.seen) == 1


async def test_redirect_is_followed_with_the_range(server: FileServer, fetch: Fetch) -> None:
    there = server.put("/there", Answer(body=BODY))
    fetch.part.write_bytes(BODY[:1000])
    assert await fetch(server.put("/file", Answer(status=302, headers={"Location": there}))) == BODY
    assert server.seen[1].headers["Range"] == "bytes=1000-"


async def test_page_in_place_of_the_file_is_refused_before_it_is_read(
    server: FileServer, fetch: Fetch
) -> None:
    with pytest.raises(WrongBytes, match="another file: it is 17 bytes long, not 256000"):
        await fetch(server.put("/file", Answer(body=b"<html>Log in</...")))
    assert not fetch.part.exists()


async def test_file_that_grows_beyond_its_size_is_thrown_away(server: FileServer, fetch: Fetch) -> None:
    with pytest.raises(WrongBytes, match="longer"):
        await fetch(server.put("/file", Answer(body=BODY + b"more", length=False)))
    assert not fetch.part.exists()


async def test_unreachable_server_is_reported_at_once(server: FileServer, fetch: Fetch) -> None:
    with pytest.raises(SourceUnreachable, match="127.0.0.1 cannot be reached"):
        await fetch("http://127.0.0.1:1/file")
    assert fetch.pauses == []
