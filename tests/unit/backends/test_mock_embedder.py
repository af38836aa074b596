import numpy as np
import pytest

from tunedd_api.backends.mock_embedder import WordHashes


def test_vectors_have_length_one_and_are_the_same_each_time() -> None:
    vectors = WordHashes().embed(["agents learn", "", "🙂 \ud800"])
    assert vectors.shape == (3, WordHashes().dimension)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1])
    assert (vectors == WordHashes().embed(["agents learn", "", "🙂 \ud800"])).all()


def test_shared_words_bring_texts_near() -> None:
    model = WordHashes()
    question, near, far = model.embed(["Do agents learn?", "Agents learn slowly", "Bread and butter"])
    assert question @ near > question @ far


def test_one_vector_is_a_plain_list() -> None:
    assert WordHashes().vector("agents") == WordHashes().embed(["agents"])[0].tolist()


def test_tokens_are_words() -> None:
    assert WordHashes().count_tokens(["two words", ""]) == [2, 0]
