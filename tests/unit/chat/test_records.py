"""Conversations and messages in SQL."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tunedd_api.backends.database import open_database
from tunedd_api.chat.model import (
    ConversationNotFound,
    MessageStatus,
    Role,
    Source,
    ToolUse,
    Usage,
)
from tunedd_api.chat.records import SqlConversationRecords
from tunedd_api.library.records import SqlDocumentRecords

SOURCE = Source(number=1, document_id="d", title="A paper", page=3, text="Words.", score=0.5)


@pytest.fixture
async def records(database_url: str, tmp_path: Path) -> AsyncIterator[SqlConversationRecords]:
    async with open_database(database_url, tmp_path) as database:
        documents = SqlDocumentRecords(database)
        for digest in ("a" * 64, "b" * 64):
            await documents.add(sha256=digest, file="paper.pdf", revive=True)
        yield SqlConversationRecords(database)


async def test_a_conversation_comes_back_as_it_was_started(records: SqlConversationRecords) -> None:
    limited = await records.add(title="One", document_ids=["a" * 16, "a" * 16])
    free = await records.add(title="All", document_ids=None)
    assert await records.get(limited.id) == limited
    assert limited.document_ids == ("a" * 16,)
    assert (await records.list(limit=10, before=None)) == [free, limited]


async def test_the_list_goes_on_behind_the_last_one_seen(records: SqlConversationRecords) -> None:
    made = [await records.add(title=str(number), document_ids=None) for number in range(5)]
    first = await records.list(limit=2, before=None)
    second = await records.list(limit=10, before=first[-1].id)
    assert [*first, *second] == made[::-1]


async def test_a_deleted_document_leaves_the_choice_of_a_conversation(tmp_path: Path) -> None:
    async with open_database("memory:", tmp_path) as database:
        documents, records = SqlDocumentRecords(database), SqlConversationRecords(database)
        for digest in ("a" * 64, "b" * 64):
            await documents.add(sha256=digest, file="paper.pdf", revive=True)
        conversation = await records.add(title="Both", document_ids=["a" * 16, "b" * 16])
        await documents.remove("a" * 16)
        kept = await records.get(conversation.id)
        assert kept
        assert kept.document_ids == ("b" * 16,)
        await documents.remove("b" * 16)
        await documents.set_cleared("b" * 16, forget=True)
        kept = await records.get(conversation.id)
        assert kept
        assert kept.document_ids == ()


async def test_a_question_is_stored_with_the_row_of_its_answer(records: SqlConversationRecords) -> None:
    conversation = await records.add(title="New", document_ids=None)
    answer = await records.open_turn(conversation.id, "What?", "What?")
    asked, running = await records.messages(conversation.id)
    assert (asked.role, asked.content, asked.status) == (Role.USER, "What?", MessageStatus.COMPLETE)
    assert running == answer
    renamed = await records.get(conversation.id)
    assert renamed
    assert renamed.title == "What?"


async def test_an_answer_is_saved_with_all_that_belongs_to_it(records: SqlConversationRecords) -> None:
    conversation = await records.add(title="New", document_ids=None)
    answer = replace(
        await records.open_turn(conversation.id, "What?", None),
        content="That.",
        status=MessageStatus.COMPLETE,
        sources=(SOURCE,),
        tools=(ToolUse(name="list_papers", arguments={}, result=[{"title": "A paper"}]),),
        usage=Usage(prompt_tokens=10, completion_tokens=2),
    )
    await records.save(answer)
    assert (await records.messages(conversation.id))[1] == answer


async def test_an_answer_whose_end_was_not_stored_is_closed_by_the_next_question(
    records: SqlConversationRecords,
) -> None:
    conversation = await records.add(title="New", document_ids=None)
    await records.open_turn(conversation.id, "First?", None)
    await records.open_turn(conversation.id, "Second?", None)
    statuses = [message.status.value for message in await records.messages(conversation.id)]
    assert statuses == ["complete", "incomplete", "complete", "running"]


async def test_answers_of_a_stopped_process_are_marked_incomplete(records: SqlConversationRecords) -> None:
    conversation = await records.add(title="New", document_ids=None)
    answer = await records.open_turn(conversation.id, "What?", None)
    await records.save(replace(answer, content="Half of"))
    assert await records.end_interrupted() == 1
    kept = (await records.messages(conversation.id))[1]
    assert (kept.content, kept.status) == ("Half of", MessageStatus.INCOMPLETE)
    assert kept.error


async def test_deleting_a_conversation_deletes_its_messages(records: SqlConversationRecords) -> None:
    conversation = await records.add(title="New", document_ids=["a" * 16])
    await records.open_turn(conversation.id, "What?", None)
    assert await records.remove(conversation.id)
    assert await records.messages(conversation.id) == []
    assert not await records.remove(conversation.id)
    with pytest.raises(ConversationNotFound):
        await records.open_turn(conversation.id, "Anybody?", None)


async def test_a_null_character_costs_itself_at_most(records: SqlConversationRecords) -> None:
    conversation = await records.add(title="One", document_ids=None)
    await records.open_turn(conversation.id, "before\0after", None)
    # PostgreSQL holds every character but this one.
    assert (await records.messages(conversation.id))[0].content in ("before\0after", "before\ufffdafter")


async def test_text_that_looks_like_sql_is_text(records: SqlConversationRecords) -> None:
    evil = "'); DROP TABLE messages; -- {{ 7 * 7 }} :id $1"
    conversation = await records.add(title=evil, document_ids=None)
    await records.open_turn(conversation.id, evil, None)
    assert (await records.messages(conversation.id))[0].content == evil
    assert await records.rename(conversation.id, evil)
