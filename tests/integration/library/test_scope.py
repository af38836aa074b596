"""A search limited to some documents never returns a passage of another, whatever the ids look like."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from haystack import Document as HaystackDocument
from haystack.components.embedders import MockTextEmbedder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.passages import hashes, passage
from tunedd_api.backends.passages import open_passages
from tunedd_api.backends.stores import PassageStore
from tunedd_api.library.model import Found
from tunedd_api.library.retrieval import Retrieval

NEAR_MISSES = [
    ["2401.13138", "2401.13138v1", "2401.13138v12", "2401.13138V1", "2401.1313", "401.13138", "2401.13138 "],
    ["paper.pdf", "Paper.pdf", "PAPER.PDF", "paper", "paper%", "paper_pdf", "paper*", '"paper"', "pap'er"],
    ["stra\u00dfe", "STRASSE", "strasse", "e\u0301", "\u00e9", "\ufb01", "fi", "\u212b", "\u00c5"],
    ["1", "1.0", "01", "true", "null", "None", "2024-05-01", "2024-05-01T00:00", "2024-05-01T00:00:00Z"],
]
WORDS = ["agents", "agent", "learn", "networks", "logs", "game", "theory", "the", "of", "not"]

letters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
families = st.sampled_from(NEAR_MISSES) | st.lists(st.text(letters, min_size=1, max_size=12), min_size=3)
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)


# Each example empties the store that it shares with the others: making one takes longer than all the rest.
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(family=families, question=texts, before=texts, data=st.data())
def test_a_search_never_leaves_the_chosen_documents(
    passages_url: str,
    tmp_path: Path,
    family: list[str],
    question: str,
    before: str,
    data: st.DataObject,
) -> None:
    ids = st.sampled_from(family)
    library = data.draw(st.lists(st.tuples(ids, texts), min_size=1, max_size=12))
    chosen = data.draw(st.lists(ids, min_size=1, max_size=4, unique=True))
    within = [(one, text) for one, text in library if one in chosen]

    async def run() -> None:
        async with open_passages(passages_url, tmp_path, dimension=hashes.dimension) as passages:
            await passages.store.delete_by_filter_async({})
            await passages.store.write_documents_async(stored(library))
            for name, retriever in passages.searches.items():
                assert_within(name, await alone(name, retriever, question, chosen), within)
            found = await search(passages, question, before, chosen)
            assert {one.document_id for one in found} <= set(chosen)
            assert bool(found) == bool(within)

    asyncio.run(run())


def assert_within(name: str, found: list[tuple[str, str]], within: list[tuple[str, str]]) -> None:
    if name == "lexical":
        assert set(found) <= set(within)
    else:
        # Nearness has no threshold: all of the chosen are found, and so nothing passes by being empty.
        assert sorted(found) == sorted(within)


def stored(library: list[tuple[str, str]]) -> list[HaystackDocument]:
    return [passage(one, text, title=f"On {text}", position=n) for n, (one, text) in enumerate(library)]


async def alone(name: str, retriever: Any, question: str, chosen: Sequence[str]) -> list[tuple[str, str]]:
    """Document and text of what one retriever finds."""
    scope = {"filters": {"field": "meta.document_id", "operator": "in", "value": list(chosen)}, "top_k": 50}
    by_meaning = {} if name == "lexical" else {"query_embedding": hashes.vector(question)}
    by_words = {} if name == "dense" else {"query": question}
    ranking = (await retriever.run_async(**by_meaning, **by_words, **scope))["ranking"]
    found = (await ranking.fetch(list(ranking.scores))).values()
    return [(one.meta["document_id"], one.content or "") for one in found]


async def search(passages: PassageStore, question: str, before: str, chosen: Sequence[str]) -> list[Found]:
    retrieval = Retrieval(embedder=MockTextEmbedder(embedding_fn=hashes.vector), **passages.searches)
    return await retrieval.search(question, history=[before, before], document_ids=chosen, limit=50)
