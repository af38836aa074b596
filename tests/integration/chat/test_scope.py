"""A conversation limited to some documents never sees a word of another, in its sources or in its prompts."""

from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

from anyio.from_thread import BlockingPortal, start_blocking_portal
from haystack.dataclasses import ChatMessage
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pdfs import column, write_pdf
from tests.world import ScriptedModel, ended, open_world
from tunedd_api.bootstrap import Services
from tunedd_api.chat.answering import RagResponder
from tunedd_api.chat.model import Exchange, SourcesFound, Turn

MARKS = ("zebra", "walrus", "otter", "heron")
"""A word that one paper alone holds."""
QUESTIONS = st.lists(
    st.sampled_from([*MARKS, "agents", "learning", "the", "title", "2024", "?"]), min_size=1, max_size=5
).map(" ".join)


def paper(folder: Path, mark: str) -> Path:
    lines = [
        f"The {mark} and other agents: learning together",
        f"Agents learn from each other. Every {mark} keeps a log of its learning in 2024.",
        f"The {mark} of this paper is named in each of its sentences, so that one would show.",
    ]
    return write_pdf(folder / f"{mark}.pdf", [column(lines)], {"Title": f"On the {mark}"})


@contextmanager
def library(folder: Path) -> Iterator[tuple[BlockingPortal, Services, dict[str, str]]]:
    """Services over one paper for each mark, and the id of each."""
    with start_blocking_portal() as portal:
        world = open_world(folder, passages_url="memory:", database_url="memory:")
        with portal.wrap_async_context_manager(world) as services:
            ids = {}
            for mark in MARKS:
                document = portal.call(services.library.add, paper(folder, mark))
                ids[mark] = portal.call(ended, services, document.id).id
            yield portal, services, ids


def test_a_conversation_never_sees_a_passage_of_a_document_outside_its_choice(tmp_path: Path) -> None:
    with library(tmp_path) as (portal, services, ids):

        @settings(max_examples=60, deadline=None)
        @given(
            chosen=st.sets(st.sampled_from(MARKS), min_size=1),
            questions=st.lists(QUESTIONS, min_size=1, max_size=3),
        )
        def never_leaves(chosen: set[str], questions: list[str]) -> None:
            model = ScriptedModel(["Noted."] * len(questions))
            seen = portal.call(converse, services, model, [ids[mark] for mark in sorted(chosen)], questions)
            assert seen
            assert seen <= {ids[mark] for mark in chosen}
            passages = [text for prompt in model.prompts for text in shown(prompt)]
            for mark in set(MARKS) - chosen:
                assert not any(mark in text for text in passages)

        never_leaves()


def shown(prompt: list[ChatMessage]) -> list[str]:
    """What of a prompt is not the words of the questions."""
    texts = [message.text or "" for message in prompt]
    return [text.partition("Question: ")[0] for text in texts]


async def converse(
    services: Services, model: ScriptedModel, document_ids: list[str], questions: list[str]
) -> set[str]:
    """The documents of all sources of a conversation with this model."""
    responder = RagResponder(library=services.library, model=model, sources=4)
    past: tuple[Exchange, ...] = ()
    seen: set[str] = set()
    for question in questions:
        turn = Turn(question=question, history=past, document_ids=tuple(document_ids))
        async with aclosing(responder.respond(turn)) as parts:
            sources = [part.sources async for part in parts if isinstance(part, SourcesFound)][0]
        seen |= {source.document_id for source in sources}
        past = (*past, Exchange(question=question, sources=sources, answer="Noted."))
    return seen
