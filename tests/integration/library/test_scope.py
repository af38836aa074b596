"""A search limited to some documents never returns a passage of another, whatever the ids look like."""

import asyncio
from collections.abc import Sequence
from tempfile import TemporaryDirectory

from haystack import Document as HaystackDocument
from haystack.components.embedders import MockDocumentEmbedder, MockTextEmbedder
from hypothesis import given, settings
from hypothesis import strategies as st

from tunedd_api.backends.mock_embedder import WordHashes
from tunedd_api.backends.sqlite.retrievers import SQLiteBM25Retriever, SQLiteEmbeddingRetriever
from tunedd_api.backends.sqlite.store import SQLiteDocumentStore
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
hashes = WordHashes()


def stored(library: list[tuple[str, str]]) -> list[HaystackDocument]:
    passages = [
        HaystackDocument(
            id=f"passage {number}",
            content=text,
            meta={"document_id": one, "title": f"On {text}", "page": 1, "start": 0},
        )
        for number, (one, text) in enumerate(library)
    ]
    embedded: list[HaystackDocument] = MockDocumentEmbedder(embedding_fn=hashes.vector).run(passages)[
        "documents"
    ]
    return embedded


@settings(max_examples=150, deadline=None)
@given(family=families, question=texts, before=texts, data=st.data())
def test_a_search_never_leaves_the_chosen_documents(
    family: list[str], question: str, before: str, data: st.DataObject
) -> None:
    ids = st.sampled_from(family)
    library = data.draw(st.lists(st.tuples(ids, texts), min_size=1, max_size=12))
    chosen = data.draw(st.lists(ids, min_size=1, max_size=4, unique=True))
    within = [(one, text) for one, text in library if one in chosen]
    with TemporaryDirectory() as folder:
        store = SQLiteDocumentStore(f"{folder}/passages.db")
        store.write_documents(stored(library))

        of_chosen = {"field": "meta.document_id", "operator": "in", "value": chosen}
        dense = store.embedding_retrieval(hashes.vector(question), filters=of_chosen, top_k=50)
        lexical = store.bm25_retrieval(question, filters=of_chosen, top_k=50)
        fused = asyncio.run(search(store, question, before, chosen))

        # Nearness has no threshold: all of the chosen are found, and so nothing passes by being empty.
        assert sorted((one.meta["document_id"], one.content or "") for one in dense) == sorted(within)
        assert {(one.meta["document_id"], one.content or "") for one in lexical} <= set(within)
        assert {one.document_id for one in fused} <= set(chosen)
        assert bool(fused) == bool(within)
        store.close()


async def search(
    store: SQLiteDocumentStore, question: str, before: str, chosen: Sequence[str]
) -> list[Found]:
    retrieval = Retrieval(
        embedder=MockTextEmbedder(embedding_fn=hashes.vector),
        dense=SQLiteEmbeddingRetriever(store),
        lexical=SQLiteBM25Retriever(store),
    )
    return await retrieval.search(question, history=[before, before], document_ids=chosen, limit=50)
