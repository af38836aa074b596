"""The real embedder, folded and quantised at set-up, against the file it was made from."""

from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from numpy.typing import NDArray

from tunedd_api.backends.model_files.onnx_graph import simplify
from tunedd_api.backends.model_files.placement import DownloadFailed
from tunedd_api.backends.model_files.quantize import CannotQuantise, quantize
from tunedd_api.backends.model_files.weights import Weights

TEXTS = [
    "Agents that share a context can coordinate without a central planner.",
    "We propose agent identifiers, real-time monitoring and activity logs.",
    "A supervised multi-layer feed-forward network learns the weights of the environment.",
    "How do replicator equations describe the evolution of cooperation?",
    "The quick brown fox jumps over the lazy dog.",
    "Blockchain",
    "Memory management in systems of several language models has to keep what the agents have agreed on, "
    "what each of them knows for itself, and what the user asked for, apart from one another. " * 4,
]


@pytest.fixture(scope="module")
def folder(models: Path) -> Path:
    try:
        return anyio.run(Weights(models).pull, "all-minilm-l6-v2")
    except DownloadFailed as error:
        pytest.skip(f"the embedder cannot be had: {error.message}")


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def embed(folder: Path, file: str) -> NDArray[np.float32]:
    """Mean of the word vectors, length one, one row per text."""
    import onnxruntime
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    session = onnxruntime.InferenceSession(str(folder / file), providers=["CPUExecutionProvider"])
    rows = [_embed_one(session, tokenizer.encode(text).ids) for text in TEXTS]
    return np.stack(rows)


def _embed_one(session: Any, ids: list[int]) -> NDArray[np.float32]:
    words = np.array([ids], dtype=np.int64)
    feed = {
        "input_ids": words,
        "attention_mask": np.ones_like(words),
        "token_type_ids": np.zeros_like(words),
    }
    mean: NDArray[np.float32] = session.run(["last_hidden_state"], feed)[0][0].mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)


def test_quantised_vectors_are_close_to_the_original_ones(folder: Path) -> None:
    cosines = (embed(folder, "model.onnx") * embed(folder, "model.int8.onnx")).sum(axis=1)
    assert cosines.min() > 0.98


def test_simplified_graph_computes_the_same(folder: Path, tmp_path: Path) -> None:
    import onnx

    model = onnx.load(folder / "model.onnx")
    simplify(model)
    onnx.save(model, tmp_path / "simple.onnx")
    simple = embed(folder, str(tmp_path / "simple.onnx"))
    np.testing.assert_allclose(simple, embed(folder, "model.onnx"), atol=1e-5)


def test_quantised_model_computes_with_int8_weights(folder: Path) -> None:
    import onnx

    operators = [node.op_type for node in onnx.load(folder / "model.int8.onnx").graph.node]
    assert operators.count("MatMulInteger") == 36
    assert "IsNaN" not in operators


def test_onnxruntime_fuses_each_of_the_six_layers_activations(folder: Path, tmp_path: Path) -> None:
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(str(folder / "model.int8.onnx"), options, providers=["CPUExecutionProvider"])
    operators = [node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node]
    assert operators.count("Gelu") == 6


async def test_pulled_embedder_is_verified_with_its_quantised_file(folder: Path) -> None:
    await Weights(folder.parent).verify("all-minilm-l6-v2")


async def test_broken_model_is_reported_and_leaves_nothing(tmp_path: Path) -> None:
    source = tmp_path / "model.onnx"
    source.write_bytes(b"no model")
    with pytest.raises(CannotQuantise, match="could not be prepared"):
        await quantize(source, tmp_path / "model.int8.onnx")
    assert files_in(tmp_path) == [source]
