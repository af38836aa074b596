"""PostgreSQL: what is special about a database that several processes share, and that can go away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.servers.finding import free_port
from tunedd_api.backends.database import Database, open_database
from tunedd_api.backends.migrations import NewerSchema, steps
from tunedd_api.chat.records import SqlConversationRecords
from tunedd_api.errors import SetupError, StoreUnavailable
from tunedd_api.library.index_records import SqlIndexRecords
from tunedd_api.library.model import ClaimLost, IndexRow, Page, Reading, Status
from tunedd_api.library.queue import SqlIndexingQueue
from tunedd_api.library.records import SqlDocumentRecords

READING = Reading(pages=(Page(number=1, text="Bees.", positions=tuple(range(5))),))
INDEX = IndexRow(stamp="a/1/b", embedder="a", dimension=1, cut="b", model="mock:", place="", serving=True)


@pytest.fixture
async def database(postgres_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database(postgres_url, tmp_path) as opened:
        yield opened


@pytest.fixture
async def another(postgres_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    """The same database, opened by another process."""
    async with open_database(postgres_url, tmp_path) as opened:
        yield opened


async def test_many_processes_that_start_at_once_make_the_schema_once(
    postgres_url: str, tmp_path: Path
) -> None:
    async def use(number: int) -> None:
        async with open_database(postgres_url, tmp_path) as opened:
            await SqlConversationRecords(opened).add(title=str(number), document_ids=None)

    await asyncio.gather(*(use(number) for number in range(6)))
    async with open_database(postgres_url, tmp_path) as opened:
        assert len(await SqlConversationRecords(opened).list(limit=10, before=None)) == 6
        async with opened.read() as connection:
            made = await connection.fetch("SELECT version FROM schema_version ORDER BY version")
    assert [row["version"] for row in made] == list(steps("postgresql"))


async def test_the_locks_of_a_machine_that_is_gone_end_soon(database: Database) -> None:
    """By default a server asks after two hours whether somebody is there."""
    async with database.read() as connection:
        kept = [
            int(await connection.fetchval(f"SHOW tcp_keepalives_{name}"))
            for name in ("idle", "interval", "count")
        ]
    assert 0 < kept[0] + kept[1] * kept[2] <= 30


async def test_a_newer_schema_is_refused(postgres_url: str, tmp_path: Path) -> None:
    async with open_database(postgres_url, tmp_path) as opened, opened.write() as connection:
        await connection.execute("INSERT INTO schema_version VALUES (9999)")
    with pytest.raises(NewerSchema):
        async with open_database(postgres_url, tmp_path):
            pass


async def test_many_workers_claim_each_indexing_once(database: Database, another: Database) -> None:
    await SqlIndexRecords(database).add(INDEX)
    for number in range(40):
        await SqlDocumentRecords(database).add(
            sha256=sha256(bytes([number])).hexdigest(), file="paper.pdf", revive=True
        )
    claimed: list[str] = []

    async def work(database: Database) -> None:
        queue = SqlIndexingQueue(database)
        while claim := await queue.claim([INDEX.stamp]):
            claimed.append(claim.document.id)
            await queue.set_ready(claim, 1)

    await asyncio.gather(*(work(one) for one in (database, another) * 4))
    states = await SqlDocumentRecords(another).ids_by_status()
    assert len(claimed) == len(set(claimed)) == 40
    assert set(claimed) == states[Status.READY]


async def test_two_questions_at_once_in_one_conversation_are_in_order(
    database: Database, another: Database
) -> None:
    records = [SqlConversationRecords(database), SqlConversationRecords(another)] * 5
    conversation = await records[0].add(title="One", document_ids=None)
    await asyncio.gather(*(one.open_turn(conversation.id, "What?", None) for one in records))
    roles = [str(message.role) for message in await records[0].messages(conversation.id)]
    assert roles == ["user", "assistant"] * 10


async def test_what_is_exclusive_is_so_among_processes(database: Database, another: Database) -> None:
    inside = most = 0

    async def enter(database: Database) -> None:
        nonlocal inside, most
        async with database.exclusive("a name"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= 1

    # More than there are connections: who waits must not keep the holder from working.
    await asyncio.gather(*(enter(one) for one in (database, another) * 15))
    assert most == 1


async def test_what_goes_wrong_while_something_is_exclusive_is_no_fault_of_the_database(
    database: Database, another: Database
) -> None:
    with pytest.raises(FileNotFoundError):
        async with database.exclusive("a name"):
            raise FileNotFoundError
    async with asyncio.timeout(5), another.exclusive("a name"):
        pass


async def test_what_is_exclusive_may_last_longer_than_a_statement(
    database: Database, another: Database
) -> None:
    order = []

    async def wait() -> None:
        async with another.exclusive("a name"):
            order.append("second")

    async with database.exclusive("a name"):
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0.5)
        async with another.read() as connection:
            # A statement that only waits for the lock would be ended by the time one may take.
            blocked = await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted")
        order.append("first")
    await waiting
    assert (blocked, order) == (0, ["first", "second"])


async def test_a_sweep_and_an_upload_queue_a_document_once(database: Database, another: Database) -> None:
    await SqlDocumentRecords(database).add(sha256="a" * 64, file="paper.pdf", revive=True)
    await SqlIndexRecords(database).add(INDEX)
    row = "INSERT INTO indexings (document_id, stamp, state, updated_at) VALUES ($1, $2, 'queued', '2026')"
    async with another.write() as connection:
        await connection.execute(row, "a" * 16, INDEX.stamp)
        sweep = asyncio.create_task(SqlIndexingQueue(database).queue_unindexed())
        await asyncio.sleep(0.3)
    assert await sweep == 0
    assert await SqlIndexingQueue(database).waiting([INDEX.stamp]) == 1


async def test_what_was_read_and_a_removal_do_not_wait_for_each_other(
    database: Database, another: Database
) -> None:
    await SqlIndexRecords(database).add(INDEX)
    await SqlDocumentRecords(database).add(sha256="a" * 64, file="paper.pdf", revive=True)
    queue = SqlIndexingQueue(database)
    claim = await queue.claim([INDEX.stamp])
    assert claim
    async with another.write() as connection:
        await connection.execute("UPDATE documents SET deleted_at = '2026'")
        reading = asyncio.create_task(queue.set_reading(claim, READING, 1))
        await asyncio.sleep(0.3)
        await connection.execute("DELETE FROM indexings")
    with pytest.raises(ClaimLost):
        await reading


async def test_a_schema_that_another_version_steps_forward_costs_one_attempt(
    database: Database, another: Database
) -> None:
    await SqlIndexRecords(database).add(INDEX)
    queue = SqlIndexingQueue(database)
    for digest in ("a" * 64, "b" * 64):
        await SqlDocumentRecords(database).add(sha256=digest, file="paper.pdf", revive=True)
    assert await queue.claim([INDEX.stamp])
    async with another.write() as connection:
        await connection.execute("ALTER TABLE documents ADD COLUMN later text")
    claim = None
    with suppress(StoreUnavailable):
        claim = await queue.claim([INDEX.stamp])
    assert claim or await queue.claim([INDEX.stamp])


async def test_ids_that_can_be_none_are_not_asked_for(database: Database) -> None:
    records = SqlDocumentRecords(database)
    await records.add(sha256="a" * 64, file="paper.pdf", revive=True)
    found = await records.by_ids(["a" * 16, "\0", "\ud800", "ö", ""])
    assert list(found) == ["a" * 16]


async def test_a_cancelled_write_leaves_nothing_behind(database: Database) -> None:
    records = SqlConversationRecords(database)

    async def half() -> None:
        async with database.write() as connection:
            await connection.execute("INSERT INTO conversations VALUES ('a', 't', FALSE, '2026')")
            await asyncio.sleep(60)

    task = asyncio.create_task(half())
    await asyncio.sleep(0.2)
    task.cancel()
    await asyncio.wait([task])
    assert await records.list(limit=1, before=None) == []


async def test_connections_that_were_cut_are_replaced(database: Database) -> None:
    records = SqlConversationRecords(database)
    await records.add(title="One", document_ids=None)
    async with database.read() as connection:
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            )
    assert len(await records.list(limit=1, before=None)) == 1


async def test_a_server_that_is_not_there_is_said_with_its_address_and_no_password(tmp_path: Path) -> None:
    port = free_port()
    with pytest.raises(StoreUnavailable, match=f"127.0.0.1:{port}/library cannot be reached") as told:
        async with open_database(f"postgresql://user:secret@127.0.0.1:{port}/library", tmp_path):
            pass
    assert "secret" not in str(told.value)


async def test_a_database_that_is_missing_is_named(postgres_url: str, tmp_path: Path) -> None:
    url = urlsplit(postgres_url)._replace(path="/nowhere").geturl()
    with pytest.raises(SetupError, match="no database .*/nowhere: create it"):
        async with open_database(url, tmp_path):
            pass


@pytest.mark.parametrize(
    "url", ["postgresql://host:port/db", "postgres://[::1/db", "postgresql://user:sec#ret@host/db"]
)
async def test_a_url_that_makes_no_sense_names_the_setting(url: str, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="TUNEDD_DATABASE_URL") as told:
        async with open_database(url, tmp_path):
            pass
    assert "sec" not in str(told.value)


@pytest.mark.parametrize("option", ["sslmode=wrong", "nosuch=1"])
async def test_an_option_that_makes_no_sense_is_no_server_to_wait_for(
    option: str, postgres_url: str, tmp_path: Path
) -> None:
    with pytest.raises(SetupError, match="TUNEDD_DATABASE_URL"):
        async with open_database(f"{postgres_url}?{option}", tmp_path):
            pass
