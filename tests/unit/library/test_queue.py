"""The queue of indexings: leases, clocks that jump, void claims, what is broken off again and again."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tunedd_api.backends.database import Database, open_database
from tunedd_api.library.index_records import SqlIndexRecords
from tunedd_api.library.model import Claim, ClaimLost, IndexRow, Page, Reading, Status
from tunedd_api.library.queue import LEASE, MOST_ATTEMPTS, SqlIndexingQueue
from tunedd_api.library.records import SqlDocumentRecords

ONE_PAGE = Reading(pages=(Page(number=1, text="Words.", positions=(0, 1, 2, 3, 4, 5)),), title="Title")
INDEX = IndexRow(stamp="a/1/b", embedder="a", dimension=1, cut="b", model="mock:", place="", serving=True)
A_DAY = 86_400.0


@dataclass
class Clock:
    seconds: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass(frozen=True, kw_only=True)
class Queued:
    """Two documents in a queue, the older first."""

    queue: SqlIndexingQueue
    documents: SqlDocumentRecords
    clock: Clock
    database: Database

    async def passes(self, seconds: float) -> None:
        """Time, which may be negative."""
        if self.database.shared:
            # That is the clock of the server, which cannot be set: so all leases move the other way.
            async with self.database.write() as connection:
                await connection.execute("UPDATE indexings SET leased_until = leased_until - $1", seconds)
        else:
            self.clock.seconds += seconds

    async def status(self, claim: Claim) -> Status:
        document = await self.documents.get(claim.document.id)
        assert document
        return document.status


@pytest.fixture
async def queued(database_url: str, tmp_path: Path) -> AsyncIterator[Queued]:
    async with open_database(database_url, tmp_path) as database:
        await SqlIndexRecords(database).add(INDEX)
        documents, clock = SqlDocumentRecords(database), Clock()
        for digest in ("a" * 64, "b" * 64):
            await documents.add(sha256=digest, file="paper.pdf", revive=True)
        queue = SqlIndexingQueue(database, clock=clock)
        yield Queued(queue=queue, documents=documents, clock=clock, database=database)


async def claimed(queue: SqlIndexingQueue) -> Claim:
    claim = await queue.claim([INDEX.stamp])
    assert claim
    return claim


async def test_each_indexing_is_claimed_once_the_oldest_first(queued: Queued) -> None:
    first, second = await claimed(queued.queue), await claimed(queued.queue)
    assert (first.document.id, second.document.id) == ("a" * 16, "b" * 16)
    assert await queued.queue.claim([INDEX.stamp]) is None
    assert await queued.queue.held([first.token, second.token, "another"]) == {first.token, second.token}


async def test_a_claim_that_is_not_renewed_goes_to_the_next_and_its_first_holder_can_change_nothing(
    queued: Queued,
) -> None:
    lost = await claimed(queued.queue)
    other = await claimed(queued.queue)
    await queued.passes(LEASE * 0.9)
    await queued.queue.renew([other.token])
    await queued.passes(LEASE * 0.2)
    taken_over = await claimed(queued.queue)
    assert taken_over.document.id == lost.document.id
    assert await queued.queue.claim([INDEX.stamp]) is None
    with pytest.raises(ClaimLost):
        await queued.queue.set_reading(lost, ONE_PAGE, 1)
    with pytest.raises(ClaimLost):
        await queued.queue.set_progress(lost, 1)
    with pytest.raises(ClaimLost):
        await queued.queue.set_ready(lost, 1)
    with pytest.raises(ClaimLost):
        await queued.queue.set_failed(lost, "No.", reader=1)
    await queued.queue.release(lost)
    assert await queued.status(taken_over) is Status.READING


@pytest.mark.parametrize("jump", [A_DAY, -A_DAY])
async def test_no_jump_of_the_clock_blocks_an_indexing_or_lets_two_finish_it(
    queued: Queued, jump: float
) -> None:
    before = await claimed(queued.queue)
    await queued.queue.set_ready(await claimed(queued.queue), 1)
    await queued.passes(jump)
    # Taken over at once, whichever way the clock went; it would else wait for a day.
    after = await claimed(queued.queue)
    assert after.document.id == before.document.id
    await queued.queue.set_ready(after, 1)
    with pytest.raises(ClaimLost):
        await queued.queue.set_ready(before, 2)
    assert (await queued.documents.get(after.document.id) or before.document).passages == 1


async def test_a_claim_that_is_renewed_outlives_small_steps_of_the_clock(queued: Queued) -> None:
    claim = await claimed(queued.queue)
    await claimed(queued.queue)
    for step in (LEASE * 0.5, LEASE * 0.9, -LEASE * 0.05):
        await queued.passes(step)
        await queued.queue.renew([claim.token])
    assert await queued.queue.held([claim.token]) == {claim.token}


async def test_what_is_broken_off_again_and_again_fails_and_lets_the_others_through(queued: Queued) -> None:
    seen = []
    while claim := await queued.queue.claim([INDEX.stamp]):
        seen.append(claim.document.id)
        # As a start after a killed process does it.
        await queued.queue.requeue_interrupted()
        assert len(seen) < 100
    assert seen.count("a" * 16) == seen.count("b" * 16) == MOST_ATTEMPTS
    # The other one comes in between: a file that kills the service does not keep the rest from being done.
    assert seen[:2] == ["a" * 16, "b" * 16]
    document = await queued.documents.get("a" * 16)
    assert document
    assert document.status is Status.FAILED
    assert "broken off" in (document.error or "")


async def test_one_that_gets_on_between_two_breaks_is_never_given_up(queued: Queued) -> None:
    for passages in range(1, 3 * MOST_ATTEMPTS):
        claim = await claimed(queued.queue)
        await queued.queue.set_reading(claim, ONE_PAGE, 100)
        await queued.queue.set_progress(claim, passages)
        await queued.queue.requeue_interrupted()
    assert (await queued.documents.ids_by_status()).get(Status.FAILED) is None


async def test_giving_an_indexing_back_is_no_attempt(queued: Queued) -> None:
    for _ in range(3 * MOST_ATTEMPTS):
        await queued.queue.release(await claimed(queued.queue))
    assert (await queued.documents.ids_by_status()).get(Status.FAILED) is None


async def test_what_another_version_of_the_reader_failed_at_is_tried_again_and_nothing_else(
    queued: Queued,
) -> None:
    await queued.queue.set_failed(await claimed(queued.queue), "No text.", reader=1)
    await queued.queue.cancel("b" * 16, "Cancelled.")
    assert await queued.queue.retry_outdated(1) == 0
    assert await queued.queue.retry_outdated(2) == 1
    assert (await claimed(queued.queue)).document.id == "a" * 16
    assert await queued.queue.claim([INDEX.stamp]) is None


async def test_nothing_is_claimed_for_an_index_that_was_not_asked_for(queued: Queued) -> None:
    assert await queued.queue.claim(["another"]) is None
    assert await queued.queue.claim([]) is None
    assert await queued.queue.claim(["another", INDEX.stamp])


async def test_a_removed_documents_claim_is_void(queued: Queued) -> None:
    claim = await claimed(queued.queue)
    await queued.documents.remove(claim.document.id)
    assert await queued.queue.held([claim.token]) == set()
    with pytest.raises(ClaimLost):
        await queued.queue.set_reading(claim, ONE_PAGE, 1)
