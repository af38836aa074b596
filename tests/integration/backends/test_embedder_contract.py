"""What every embedder does, whichever it is."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from haystack import Document as HaystackDocument
from haystack import Pipeline
from numpy.typing import NDArray

from tests.models import EMBEDDERS, embedder_of
from tunedd_api.backends.embedding import Embedder

ODD = [
    "naïve Café Zürich",
    "智能体 协作",
    "😀 emoji",
    "α-β pruning ∑",
    "\x00nul \u200bzero",
    "3.1416",
]


@pytest.fixture(params=EMBEDDERS)
async def embedder(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Embedder]:
    async with embedder_of(request.param, tmp_path, request) as opened:
        yield opened


async def passages(embedder: Embedder, *documents: HaystackDocument) -> list[HaystackDocument]:
    pipeline = Pipeline()
    pipeline.add_component("embedder", embedder.documents())
    result = await pipeline.run_async({"embedder": {"documents": list(documents)}})
    embedded: list[HaystackDocument] = result["embedder"]["documents"]
    return embedded


async def vectors(embedder: Embedder, *texts: str) -> NDArray[np.float32]:
    embedded = await passages(embedder, *(HaystackDocument(content=text) for text in texts))
    return np.array([one.embedding for one in embedded], dtype=np.float32)


async def question(embedder: Embedder, text: str) -> NDArray[np.float32]:
    pipeline = Pipeline()
    pipeline.add_component("embedder", embedder.text())
    result = await pipeline.run_async({"embedder": {"text": text}})
    return np.array(result["embedder"]["embedding"], dtype=np.float32)


def cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def sentences(count: int) -> Sequence[str]:
    animals = ["ants", "bees", "cats", "dogs", "eels", "foxes", "goats"]
    return [f"{animals[n % 7]} number {n} like {animals[n % 5]} and {animals[n % 3]}" for n in range(count)]


async def test_vectors_have_the_length_one_and_the_dimension_that_it_says(embedder: Embedder) -> None:
    made = await vectors(embedder, "Agents learn from feedback.", *ODD)
    assert made.shape == (1 + len(ODD), embedder.model.dimension)
    assert np.linalg.norm(made, axis=1) == pytest.approx(np.ones(len(made)), abs=1e-3)


async def test_the_order_is_kept_over_many_passages(embedder: Embedder) -> None:
    texts = sentences(45)
    made = await vectors(embedder, *texts)
    for place in (0, 7, 8, 31, 32, 44):
        assert cosine(made[place], await question(embedder, texts[place])) > 0.99


async def test_a_question_lies_near_the_passage_that_answers_it(embedder: Embedder) -> None:
    near, far = await vectors(embedder, "Agents share a memory of tasks.", "Bread is baked with butter.")
    asked = await question(embedder, "Do agents share memory?")
    assert cosine(asked, near) > cosine(asked, far)


async def test_title_and_section_are_embedded_in_front(embedder: Embedder) -> None:
    text = "It has three parts."
    bare, titled = await passages(
        embedder,
        HaystackDocument(content=text, meta={"title": None, "section": ""}),
        HaystackDocument(content=text, meta={"title": "Agents", "section": "2 Memory", "page": 3}),
    )
    written = await vectors(embedder, f"Agents\n2 Memory\n{text}")
    assert cosine(np.array(titled.embedding), written[0]) > 0.999
    assert cosine(np.array(titled.embedding), np.array(bare.embedding)) < 0.99


async def test_passages_keep_their_id_text_and_meta(embedder: Embedder) -> None:
    given = HaystackDocument(id="a-1", content="Agents learn.", meta={"title": "T", "page": 3})
    made = (await passages(embedder, given))[0]
    assert (made.id, made.content, made.meta) == (given.id, given.content, given.meta)
    assert given.embedding is None


async def test_of_nothing_comes_nothing(embedder: Embedder) -> None:
    assert await passages(embedder) == []


async def test_tokens_are_counted_text_by_text(embedder: Embedder) -> None:
    texts = ["", "agents", "agents learn from feedback", *ODD]
    counts = embedder.model.count_tokens(texts)
    assert counts == [embedder.model.count_tokens([text])[0] for text in texts]
    assert counts[0] < counts[1] < counts[2]


async def test_the_longest_text_by_its_own_count_is_embedded_whole(embedder: Embedder) -> None:
    """Its last word counts: another one makes another vector."""
    room, frame = embedder.model.max_tokens, embedder.model.count_tokens([""])[0]
    word = embedder.model.count_tokens(["apple"])[0] - frame
    words = ["apple"] * ((room - frame) // word - 1)
    texts = [" ".join([*words, last]) for last in ("apple", "table")]
    assert max(embedder.model.count_tokens(texts)) <= room
    one, other = await vectors(embedder, *texts)
    assert np.abs(one - other).max() > 1e-4


async def test_it_is_there(embedder: Embedder) -> None:
    await embedder.check()
    assert embedder.model.name
