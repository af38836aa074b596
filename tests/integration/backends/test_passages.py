"""What every store of passages does, whichever it is."""

import random
from array import array
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from haystack import Document as HaystackDocument
from haystack.components.embedders import MockDocumentEmbedder, MockTextEmbedder
from haystack.document_stores.types import DuplicatePolicy

from tests.passages import hashes, passage, selected
from tunedd_api.backends.passages import open_passages
from tunedd_api.backends.stores import PassageStore, Store
from tunedd_api.errors import SetupError
from tunedd_api.library.indexing import Indexing
from tunedd_api.library.model import Passage
from tunedd_api.library.retrieval import Retrieval

ODD = [
    "2401.13138",
    "2401.13138v1",
    "2401.13138V1",
    " 2401.13138",
    "2401.13138 ",
    "2009",
    "the",
    '"',
    "é\u2028",
]


@pytest.fixture
async def passages(passages_url: str, tmp_path: Path) -> AsyncIterator[PassageStore]:
    async with open_passages(passages_url, tmp_path, dimension=hashes.dimension) as opened:
        yield opened


@pytest.fixture
def store(passages: PassageStore) -> Store:
    return passages.store


@pytest.fixture
def retrieval(passages: PassageStore) -> Retrieval:
    return Retrieval(embedder=MockTextEmbedder(embedding_fn=hashes.vector), **passages.searches)


async def write(store: Store, written: Sequence[HaystackDocument]) -> int:
    return await store.write_documents_async(list(written), DuplicatePolicy.OVERWRITE)


def scattered(one: HaystackDocument) -> HaystackDocument:
    """With a vector like no other's: among thousands of equal ones an index of the nearest is slow."""
    chance = random.Random(one.id)
    return replace(one, embedding=[chance.gauss(0, 1) for _ in range(hashes.dimension)])


async def stored(store: Store, **fields: Any) -> list[HaystackDocument]:
    found = await store.filter_documents_async(selected(**fields) if fields else None)
    return sorted(found, key=lambda one: one.id)


@pytest.mark.parametrize(
    "text", ["", "plain", " blanks ", "line\nline\tand \u2028, é, e\u0301, 𝔸, \u200b", "0" * 9000]
)
async def test_what_is_written_comes_back_the_same(store: Store, text: str) -> None:
    written = passage("Ä.pdf ", text, title=text[:50], section=None, page=2**40, start=0, end=len(text))
    await write(store, [written])
    (found,) = await stored(store)
    assert (found.id, found.content, found.meta) == (written.id, text, written.meta)
    assert {type(found.meta[name]) for name in ("page", "start", "end", "position")} == {int}
    assert found.embedding == pytest.approx(written.embedding, rel=1e-6)


async def test_a_vector_may_be_an_array(store: Store) -> None:
    vector: Any = array("f", hashes.vector("text"))
    written = replace(passage("a", "text"), embedding=vector)
    await write(store, [written])
    assert [one.embedding for one in await stored(store)] == [pytest.approx(hashes.vector("text"), rel=1e-6)]


async def test_writing_again_overwrites(store: Store, retrieval: Retrieval) -> None:
    first, second = passage("a", "about bees"), passage("a", "about wasps")
    assert await write(store, [first]) == 1
    assert await write(store, [second]) == 1
    assert [one.content for one in await stored(store)] == ["about wasps"]
    assert [one.text for one in await retrieval.search("bees")] == ["about wasps"]


async def test_what_is_there_can_be_left_as_it_is(store: Store) -> None:
    await write(store, [passage("a", "old")])
    new = [passage("a", "new"), passage("b", "new")]
    assert await store.write_documents_async(new, DuplicatePolicy.SKIP) == 1
    assert [one.content for one in await stored(store, document_id="a")] == ["old"]


async def test_ids_are_told_apart_by_every_character(store: Store) -> None:
    await write(store, [passage(one, "the same text") for one in ODD])
    for one in ODD:
        assert [found.meta["document_id"] for found in await stored(store, document_id=one)] == [one]
        assert await store.count_documents_by_filter_async(selected(document_id=one)) == 1
    assert await store.count_by_document_async() == dict.fromkeys(ODD, 1)


async def test_a_filter_for_no_id_selects_nothing(store: Store) -> None:
    await write(store, [passage("a", "text")])
    nothing = {"field": "meta.document_id", "operator": "in", "value": []}
    assert await store.filter_documents_async(nothing) == []
    assert await store.count_documents_by_filter_async(nothing) == 0


async def test_counts_are_exact_after_removals(store: Store) -> None:
    await write(store, [passage(f"d{n % 7}", f"text {n}", position=n, stamp=f"s{n % 2}") for n in range(280)])
    assert await store.delete_by_filter_async(selected(document_id="d3")) == 40
    assert await store.delete_by_filter_async(selected(document_id="d3")) == 0
    assert await store.count_documents_async() == 240
    assert await store.count_by_document_async() == {f"d{n}": 40 for n in range(7) if n != 3}
    others = {"field": "meta.stamp", "operator": "!=", "value": "s1"}
    assert await store.count_documents_by_filter_async(others) == 120
    low = {"field": "meta.position", "operator": "<", "value": 70}
    assert await store.count_documents_by_filter_async(low) == 60


async def test_more_documents_than_any_page_holds_are_counted(store: Store) -> None:
    await write(store, [scattered(passage(f"d{n}", "text")) for n in range(1500)])
    assert await store.count_by_document_async() == {f"d{n}": 1 for n in range(1500)}
    some = [f"d{n}" for n in range(500)]
    await store.delete_by_filter_async({"field": "meta.document_id", "operator": "in", "value": some})
    others = {"field": "meta.stamp", "operator": "!=", "value": "s"}
    assert await store.count_documents_by_filter_async(others) == 0, "What was deleted is counted"


async def test_more_than_ten_thousand_passages_are_read_and_removed(store: Store) -> None:
    await write(store, [scattered(passage("big", "text", position=n)) for n in range(10_500)])
    await write(store, [passage("small", "text")])
    assert len(await store.filter_documents_async()) == 10_501
    assert len(await stored(store, document_id="big", stamp="s")) == 10_500
    assert await store.delete_by_filter_async(selected(document_id="big")) == 10_500
    assert await store.count_by_document_async() == {"small": 1}


async def test_a_sample_has_vectors_and_no_passage_twice(store: Store) -> None:
    assert await store.sample_documents_async(6) == []
    await write(store, [passage("a", f"text {n}", position=n) for n in range(4)])
    assert len({one.id for one in await store.sample_documents_async(6)}) == 4
    await write(store, [passage("b", f"text {n}", position=n) for n in range(200)])
    sample = await store.sample_documents_async(6)
    assert len({one.id for one in sample}) == 6
    assert all(one.embedding is not None and len(one.embedding) == hashes.dimension for one in sample)


async def test_the_best_passage_comes_first_with_a_score_up_to_one(
    store: Store, retrieval: Retrieval
) -> None:
    texts = [
        "bees dance to tell where",
        "wasps build with paper",
        "ants follow trails",
        "flies taste with feet",
    ]
    await write(store, [passage(text[:4], text, page=n) for n, text in enumerate(texts)])
    found = await retrieval.search("how wasps build")
    assert found[0].text == "wasps build with paper"
    assert (found[0].document_id, found[0].page) == ("wasp", 1)
    assert 0.5 < found[0].score <= 1.0
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


async def test_words_of_the_title_are_found(store: Store, retrieval: Retrieval) -> None:
    texts = [("Honey", "they dance for it"), ("Paper", "they chew it"), ("Trails", "they follow it")]
    await write(store, [passage(title, text, title=title) for title, text in texts])
    assert (await retrieval.search("paper"))[0].document_id == "Paper"


async def test_cited_works_fall_behind(store: Store, retrieval: Retrieval) -> None:
    cited = passage("cited", "bees dance", section="References")
    own = passage("own", "bees dance a lot", section="2 Results")
    await write(store, [cited, own, passage("c", "bees"), passage("d", "nothing of the kind")])
    assert [one.document_id for one in await retrieval.search("bees dance")][0] == "own"


async def test_a_search_stays_within_the_chosen_documents(store: Store, retrieval: Retrieval) -> None:
    await write(store, [passage(one, "bees dance") for one in ODD])
    for one in ODD:
        assert {hit.document_id for hit in await retrieval.search("bees", document_ids=[one])} == {one}
    assert await retrieval.search("bees", document_ids=["2401.1313"]) == []


@pytest.mark.parametrize(
    "question", ['"', "*", "AND OR NOT", "a:b^2 {c} (d", "\\", "\u2028", "?" * 4000, "the of and"]
)
async def test_no_question_breaks_a_search(store: Store, retrieval: Retrieval, question: str) -> None:
    await write(store, [passage("a", "bees dance")])
    assert len(await retrieval.search(question)) <= 1


async def test_indexing_stores_verifies_and_tidies(store: Store) -> None:
    indexing = Indexing(MockDocumentEmbedder(embedding_fn=hashes.vector), store)
    cut = [Passage(page=n, start=n, end=n + 5, text=f"text {n}", section=None) for n in range(100)]
    assert await indexing.index("d", "Bees", cut, "s1") == 100
    heard: list[int] = []

    async def hear(there: int) -> None:
        heard.append(there)

    assert await indexing.index("d", "Bees", cut, "s1", progress=hear) == 100
    assert heard == [], "What is stored is embedded again"
    assert await indexing.index("d", "Bees", cut[:40], "s2") == 40
    assert await indexing.counts() == {"d": 40}
    await indexing.remove("d")
    assert await indexing.counts() == {}


async def test_many_may_write_count_and_search_at_once(store: Store, retrieval: Retrieval) -> None:
    async def write_one(number: int) -> None:
        await write(store, [passage(f"d{number}", f"text {n}", position=n) for n in range(50)])
        own = selected(document_id=f"d{number}")
        assert await store.count_documents_by_filter_async(own) == 50
        assert await retrieval.search("text 7", document_ids=[f"d{number}"])

    async with anyio.create_task_group() as tasks:
        for number in random.Random(1).sample(range(100), 8):
            tasks.start_soon(write_one, number)
    assert await store.count_documents_async() == 400


async def test_it_tells_that_it_works(passages: PassageStore) -> None:
    await passages.check()


async def test_vectors_of_another_model_are_refused_at_the_start(passages_url: str, tmp_path: Path) -> None:
    if passages_url == "memory:":
        pytest.skip("what is in memory is forgotten")
    async with open_passages(passages_url, tmp_path, dimension=hashes.dimension) as opened:
        await write(opened.store, [passage("a", "text")])
    with pytest.raises(SetupError, match=f"{hashes.dimension} numbers"):
        async with open_passages(passages_url, tmp_path, dimension=384):
            pass
