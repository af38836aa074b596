"""Retrieval over the real SQLite store, with a stand-in for the embedding model."""

import asyncio
from collections.abc import Iterator, Sequence

import pytest
from haystack import Document as HaystackDocument
from haystack import component
from haystack.components.embedders import MockDocumentEmbedder, MockTextEmbedder

from tunedd_api.backends.mock_embedder import WordHashes
from tunedd_api.backends.sqlite.rankings import SQLiteBM25Ranking, SQLiteEmbeddingRanking
from tunedd_api.backends.sqlite.retrievers import SQLiteBM25Retriever, SQLiteEmbeddingRetriever
from tunedd_api.backends.sqlite.store import DimensionMismatch, SQLiteDocumentStore
from tunedd_api.library.model import Found
from tunedd_api.library.retrieval import Retrieval

TEXTS = {
    "visibility": "Agent identifiers, real-time monitoring and activity logs give visibility into agents.",
    "logs": "Logs of agents are kept by deployers, who may have to share them with regulators.",
    "networks": "Feed-forward networks adapt their weights in one epoch and classify zones.",
    "zones": "Managers select eight attributes to classify the zones of the clinical organization.",
    "games": "Evolutionary game theory studies how strategies spread through populations.",
}


@pytest.fixture
def store() -> Iterator[SQLiteDocumentStore]:
    store = SQLiteDocumentStore(":memory:")
    passages = [
        HaystackDocument(
            id=name,
            content=text,
            meta={"document_id": f"paper-{name}", "page": number, "start": 7 * number, "section": name},
        )
        for number, (name, text) in enumerate(TEXTS.items(), 1)
    ]
    embedder = MockDocumentEmbedder(embedding_fn=WordHashes().vector)
    store.write_documents(embedder.run(passages)["documents"])
    yield store
    store.close()


@pytest.fixture(params=["rankings", "documents"])
def retrieval(request: pytest.FixtureRequest, store: SQLiteDocumentStore) -> Retrieval:
    return searching(store, rankings=request.param == "rankings")


def searching(store: SQLiteDocumentStore, *, rankings: bool = True) -> Retrieval:
    return Retrieval(
        embedder=MockTextEmbedder(embedding_fn=WordHashes().vector),
        dense=SQLiteEmbeddingRanking(store) if rankings else SQLiteEmbeddingRetriever(store),
        lexical=SQLiteBM25Ranking(store) if rankings else SQLiteBM25Retriever(store),
    )


async def first(retrieval: Retrieval, question: str, history: Sequence[str] = ()) -> str:
    found = await retrieval.search(question, history=history)
    return found[0].document_id


async def test_the_best_passage_comes_first_with_its_place(retrieval: Retrieval) -> None:
    await retrieval.warm_up()
    found = await retrieval.search("Which networks adapt their weights?", limit=2)
    assert found[0] == Found(
        document_id="paper-networks",
        page=3,
        start=21,
        text=TEXTS["networks"],
        score=1.0,
        section="networks",
    )
    assert len(found) == 2
    assert found[0].score > found[1].score >= 0


async def test_a_follow_up_is_understood_from_the_last_turn(retrieval: Retrieval) -> None:
    history = ["Who studies game theory?", "Biologists.", "What do the logs of agents hold?", "Activity."]
    assert await first(retrieval, "Who keeps them?", history=history) == "paper-logs"


async def test_a_new_topic_is_not_held_back_by_the_old_one(retrieval: Retrieval) -> None:
    history = ["Who keeps the logs of agents?", "Deployers keep logs of agents and share them."]
    question = "What does evolutionary game theory study?"
    assert await first(retrieval, question, history=history) == "paper-games"


async def test_a_search_stays_within_the_chosen_documents(retrieval: Retrieval) -> None:
    chosen = ["paper-zones", "paper-games"]
    found = await retrieval.search("logs of agents", document_ids=chosen, limit=5)
    assert {one.document_id for one in found} == set(chosen)


async def test_a_question_without_a_word_still_finds_passages(retrieval: Retrieval) -> None:
    assert len(await retrieval.search("?!", limit=3)) == 3


async def test_searches_at_the_same_time_do_not_mix(retrieval: Retrieval) -> None:
    questions = list(TEXTS.values()) * 4
    firsts = await asyncio.gather(*(first(retrieval, question) for question in questions))
    assert firsts == [f"paper-{name}" for name in TEXTS] * 4


async def test_what_repeats_a_better_passage_gives_its_place_to_the_next(store: SQLiteDocumentStore) -> None:
    copies = [
        HaystackDocument(
            id=f"copy {number}",
            content=TEXTS["networks"] + " Again." * (number % 2),
            meta={"document_id": "copies", "page": number, "start": 0},
        )
        for number in range(20)
    ]
    embedder = MockDocumentEmbedder(embedding_fn=WordHashes().vector)
    store.write_documents(embedder.run(copies)["documents"])
    # So many copies stand in front that those fetched first do not hold three different passages.
    found = await searching(store).search("Which networks adapt their weights?", limit=3)
    assert len({one.text.removesuffix(" Again.") for one in found}) == 3
    assert found[0].score >= found[1].score >= found[2].score


async def test_a_passage_that_is_removed_is_found_no_more(
    store: SQLiteDocumentStore, retrieval: Retrieval
) -> None:
    assert await first(retrieval, "Which networks adapt?") == "paper-networks"
    store.delete_documents(["networks"])
    found = await retrieval.search("Which networks adapt?")
    assert "paper-networks" not in {one.document_id for one in found}


@component
class Finds:
    """A retriever that always finds the same."""

    def __init__(self, *documents: HaystackDocument) -> None:
        self._documents = list(documents)

    @component.output_types(documents=list[HaystackDocument])
    def run(
        self,
        query: str = "",
        query_embedding: list[float] | None = None,
        filters: dict[str, object] | None = None,
        top_k: int = 0,
    ) -> dict[str, list[HaystackDocument]]:
        return {"documents": self._documents}


async def test_what_only_one_of_the_searches_found_comes_too() -> None:
    def found(one: str) -> HaystackDocument:
        return HaystackDocument(
            id=one, content=one, score=0.5, meta={"document_id": one, "page": 1, "start": 0}
        )

    retrieval = Retrieval(
        embedder=MockTextEmbedder(), dense=Finds(found("meaning")), lexical=Finds(found("words"))
    )
    passages = await retrieval.search("anything", history=["said"])
    assert {one.text for one in passages} == {"meaning", "words"}


async def test_an_empty_library_has_no_passages() -> None:
    store = SQLiteDocumentStore(":memory:")
    assert await searching(store).search("anything", history=["said"]) == []
    store.close()


async def test_an_error_of_a_part_comes_out_as_itself(store: SQLiteDocumentStore) -> None:
    retrieval = Retrieval(
        embedder=MockTextEmbedder(dimension=3),
        dense=SQLiteEmbeddingRanking(store),
        lexical=SQLiteBM25Ranking(store),
    )
    with pytest.raises(DimensionMismatch):
        await retrieval.search("anything")


async def test_one_search_that_fuses_by_itself_stands_for_two(store: SQLiteDocumentStore) -> None:
    @component
    class Hybrid:
        @component.output_types(documents=list[HaystackDocument])
        async def run_async(
            self, query: str, query_embedding: list[float], top_k: int
        ) -> dict[str, list[HaystackDocument]]:
            found = await store.embedding_retrieval_async(query_embedding, top_k=top_k)
            return {"documents": found}

        @component.output_types(documents=list[HaystackDocument])
        def run(
            self, query: str, query_embedding: list[float], top_k: int
        ) -> dict[str, list[HaystackDocument]]:
            raise NotImplementedError

    embedder = MockTextEmbedder(embedding_fn=WordHashes().vector)
    retrieval = Retrieval(embedder=embedder, hybrid=Hybrid())
    assert await first(retrieval, "Which attributes classify zones?") == "paper-zones"
    with pytest.raises(ValueError, match="dense and lexical, or hybrid"):
        Retrieval(embedder=embedder, hybrid=Hybrid(), lexical=SQLiteBM25Ranking(store))
