"""The embedder over a model small enough to be made here: a word's vector is what its number says."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from haystack import Document as HaystackDocument

from tunedd_api.backends.onnx_embedder import MiniLM, OnnxDocumentEmbedder, OnnxTextEmbedder
from tunedd_api.errors import SetupError

WORDS = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "agents", "learn", "title"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    _write_tokenizer(tmp_path / "tokenizer.json")
    _write_model(tmp_path / "model.int8.onnx")
    return tmp_path


def _write_tokenizer(path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    tokenizer = Tokenizer(
        models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    # As in published files: what the embedder must switch off.
    tokenizer.enable_truncation(max_length=4)
    tokenizer.enable_padding(length=128)
    tokenizer.save(str(path))


def _write_model(path: Path) -> None:
    """Word `n` becomes the unit vector along axis `n`, so a mean shows which words were read."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "words"])
        for name in ("input_ids", "attention_mask", "token_type_ids")
    ]
    output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["texts", "words", 384])
    table = numpy_helper.from_array(np.eye(len(WORDS), 384, dtype=np.float32), "table")
    node = helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"], axis=0)
    graph = helper.make_graph([node], "words", inputs, [output], [table])
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))


def shares(vector: Sequence[float]) -> dict[str, float]:
    """What each word contributed to a vector, relative to [CLS]."""
    return {word: share / vector[1] for word, share in zip(WORDS, vector, strict=False) if share}


def test_a_vector_is_the_mean_of_the_words_with_length_one(folder: Path) -> None:
    (vector,) = MiniLM(folder).embed(["agents learn agents"])
    assert vector.dtype == np.float32
    assert vector.shape == (384,)
    assert np.linalg.norm(vector) == pytest.approx(1)
    assert shares(vector.tolist()) == pytest.approx({"[CLS]": 1, "[SEP]": 1, "agents": 2, "learn": 1})


def test_longer_texts_beside_it_change_nothing(folder: Path) -> None:
    model = MiniLM(folder, threads=1)
    texts = ["agents", "learn " * 100, "", "agents learn", "title " * 30]
    together = model.embed(texts)
    assert np.array_equal(together, np.concatenate([model.embed([text]) for text in texts]))


def test_many_texts_come_back_in_their_order(folder: Path) -> None:
    texts = [f"{'agents ' * (number % 7)}{'learn ' * (number % 5)}" for number in range(300)]
    for text, vector in zip(texts, MiniLM(folder).embed(texts), strict=True):
        assert shares(vector.tolist()).get("agents", 0) == pytest.approx(text.count("agents"))
        assert shares(vector.tolist()).get("learn", 0) == pytest.approx(text.count("learn"))


def test_memory_does_not_grow_with_the_number_of_texts(folder: Path) -> None:
    seen: list[tuple[int, ...]] = []

    class Watched:
        def __init__(self, session: Any) -> None:
            self._session = session

        def run(self, outputs: list[str], feed: dict[str, Any]) -> Any:
            seen.append(feed["input_ids"].shape)
            return self._session.run(outputs, feed)

    model = MiniLM(folder)
    model.warm_up()
    model._session = Watched(model._session)
    model.embed(["agents " * 500] * 40)
    assert seen == [(1, 256)] * 40


def test_no_texts_make_no_vectors(folder: Path) -> None:
    assert MiniLM(folder).embed([]).shape == (0, 384)


def test_what_is_over_256_word_pieces_is_counted_but_not_embedded(folder: Path) -> None:
    model = MiniLM(folder)
    text = "agents " * 254 + "learn " * 3
    assert model.count_tokens([text, "agents", ""]) == [259, 3, 2]
    assert shares(model.embed([text])[0].tolist()) == pytest.approx({"[CLS]": 1, "[SEP]": 1, "agents": 254})


async def test_a_question_is_embedded_alike_with_and_without_a_loop(folder: Path) -> None:
    embedder = OnnxTextEmbedder(MiniLM(folder))
    embedder.warm_up()
    embedding = embedder.run("agents")["embedding"]
    assert shares(embedding.tolist()) == pytest.approx({"[CLS]": 1, "[SEP]": 1, "agents": 1})
    assert (await embedder.run_async("agents"))["embedding"].tolist() == embedding.tolist()


async def test_passages_are_embedded_with_title_and_section_in_front(folder: Path) -> None:
    passages = [
        HaystackDocument(content="agents", meta={"title": "title", "section": "learn", "page": 1}),
        HaystackDocument(content="agents", meta={"title": "title", "section": None}),
        HaystackDocument(content=None),
    ]
    embedder = OnnxDocumentEmbedder(MiniLM(folder))
    embedder.warm_up()
    embedded = embedder.run(passages)["documents"]
    assert [shares(one.embedding or []) for one in embedded] == [
        pytest.approx({"[CLS]": 1, "[SEP]": 1, "title": 1, "learn": 1, "agents": 1}),
        pytest.approx({"[CLS]": 1, "[SEP]": 1, "title": 1, "agents": 1}),
        pytest.approx({"[CLS]": 1, "[SEP]": 1}),
    ]
    assert [(one.id, one.content, one.meta) for one in embedded] == [
        (one.id, one.content, one.meta) for one in passages
    ]
    assert passages[0].embedding is None
    assert (await embedder.run_async(passages))["documents"] == embedded


def test_a_missing_model_says_how_to_fetch_it(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="tunedd models pull"):
        MiniLM(tmp_path).warm_up()
