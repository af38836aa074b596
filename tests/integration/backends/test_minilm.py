"""The real MiniLM, as it is made ready at set-up."""

from pathlib import Path

import numpy as np
import pytest

from tunedd_api.backends.model_files.placement import DownloadFailed
from tunedd_api.backends.model_files.weights import Weights
from tunedd_api.backends.onnx_embedder import MiniLM


@pytest.fixture
async def model(models: Path) -> MiniLM:
    try:
        return MiniLM(await Weights(models).pull("all-minilm-l6-v2"))
    except DownloadFailed as error:
        pytest.skip(f"the embedder cannot be had: {error.message}")


async def test_a_paraphrase_is_nearer_than_another_topic(model: MiniLM) -> None:
    question, paraphrase, other = model.embed(
        [
            "How can several agents work together without a central planner?",
            "Decentralised coordination lets a team act although nobody directs it.",
            "The bread is baked for forty minutes at two hundred degrees.",
        ]
    )
    assert question @ paraphrase > question @ other + 0.2


async def test_what_is_embedded_beside_a_text_does_not_matter(model: MiniLM) -> None:
    text = "Agent identifiers show which system acted."
    (alone,) = model.embed([text])
    (beside, _) = model.embed([text, "Logs. " * 200])
    # In a batch it would: int8 scales what it multiplies by the largest number of the whole batch.
    assert np.array_equal(alone, beside)
    assert np.linalg.norm(alone) == pytest.approx(1)


async def test_the_end_of_a_text_that_just_fits_is_read(model: MiniLM) -> None:
    text = "agents " * 254
    assert model.count_tokens([text]) == [256]
    fits, differs = model.embed([text, text.removesuffix("agents ") + "bread"])
    assert fits @ differs < 0.9999
    cut, also_cut = model.embed([text + "agents", text + "bread"])
    assert cut @ also_cut == pytest.approx(1)
