"""MiniLM sentence embeddings on onnxruntime, and the two Haystack components over them."""

from array import array
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

import anyio.to_thread
import numpy as np
from haystack import Document as HaystackDocument
from haystack import component
from numpy.typing import NDArray

from tunedd_api.backends.cores import usable_cores
from tunedd_api.errors import MissingExtra, SetupError

MODEL_FILE = "model.int8.onnx"
TOKENIZER_FILE = "tokenizer.json"
SLOW_FUSION = "SkipLayerNormFusion"
"""A rewriting of the graph by onnxruntime whose operator takes longer than the two it stands for: a sixth of
all the time."""
META_SEPARATOR = "\n"
"""Stands between title, section and text of an embedded passage."""


class MiniLM:
    """
    all-MiniLM-L6-v2 from a folder: cut at 256 word pieces, mean of the word vectors, length one.

    Texts go through the model one by one, as many at the same time as there are `threads` for passages: a
    vector depends on its text alone, nothing is padding, and each run holds at most `max_tokens` word pieces,
    some 10 MiB. Batches take several times the memory and were slower on two cores (docs/benchmarks.md).
    """

    name = "all-minilm-l6-v2/int8"
    dimension = 384
    max_tokens = 256

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        self._folder = folder
        self._workers = ThreadPoolExecutor(threads or usable_cores(), thread_name_prefix="embedding")
        self._loading = Lock()
        self._session: Any = None
        self._tokenizer: Any = None

    def warm_up(self) -> None:
        """Loads the files on the first call. Raises SetupError when they are not there."""
        with self._loading:
            if self._session is None:
                self._tokenizer = self._load_tokenizer()
                self._session = self._load_session()

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Word pieces of each text, with the two that frame every input. Nothing is cut off."""
        self.warm_up()
        return [len(encoding) for encoding in self._tokenizer.encode_batch_fast(list(texts))]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit vector per text, in the order of the texts."""
        self.warm_up()
        pieces = [self._cut(encoding.ids) for encoding in self._tokenizer.encode_batch_fast(list(texts))]
        if len(pieces) == 1:
            # A question does not queue behind the passages of an indexing.
            return self._vector(pieces[0])[None]
        vectors = np.zeros((len(pieces), self.dimension), dtype=np.float32)
        # The longest first, so that at the end no thread waits long for another.
        order = sorted(range(len(pieces)), key=lambda index: -len(pieces[index]))
        made = self._workers.map(self._vector, [pieces[index] for index in order])
        for index, vector in zip(order, made, strict=True):
            vectors[index] = vector
        return vectors

    def _cut(self, ids: list[int]) -> list[int]:
        return ids if len(ids) <= self.max_tokens else [*ids[: self.max_tokens - 1], ids[-1]]

    def _vector(self, pieces: list[int]) -> NDArray[np.float32]:
        ids = np.array([pieces], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        words: NDArray[np.float32] = self._session.run(["last_hidden_state"], feed)[0][0]
        mean = words.mean(axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)

    def _load_tokenizer(self) -> Any:
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise MissingExtra.named(error.name, "embedded") from error
        tokenizer = Tokenizer.from_file(str(self._file(TOKENIZER_FILE)))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    def _load_session(self) -> Any:
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingExtra.named(error.name, "embedded") from error
        options = onnxruntime.SessionOptions()
        # Each run stays on the thread that asks for it.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # Both keep memory for every length of text that was ever seen.
        options.enable_mem_pattern = False
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(
            str(self._file(MODEL_FILE)),
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=[SLOW_FUSION],
        )

    def _file(self, name: str) -> Path:
        path = self._folder / name
        if not path.is_file():
            raise SetupError(f"The embedding model's file {path} is missing. Run: tunedd models pull")
        return path


@component
class OnnxTextEmbedder:
    """
    Embeds a question.

    The embedding is an array in truth: a pipeline copies a list number by number, which takes as long as the
    model does.
    """

    def __init__(self, model: MiniLM) -> None:
        self.model = model
        # More at once would only make each of them later.
        self._places = anyio.CapacityLimiter(usable_cores())

    def warm_up(self) -> None:
        self.model.warm_up()

    @component.output_types(embedding=list[float])
    def run(self, text: str) -> dict[str, NDArray[np.float32]]:
        return {"embedding": self.model.embed([text])[0]}

    @component.output_types(embedding=list[float])
    async def run_async(self, text: str) -> dict[str, NDArray[np.float32]]:
        return await anyio.to_thread.run_sync(self.run, text, limiter=self._places)


@component
class OnnxDocumentEmbedder:
    """Embeds passages, each with the named fields of its meta in front."""

    def __init__(self, model: MiniLM, *, meta_fields_to_embed: Sequence[str] = ("title", "section")) -> None:
        self.model = model
        self.meta_fields_to_embed = tuple(meta_fields_to_embed)

    def warm_up(self) -> None:
        self.model.warm_up()

    @component.output_types(documents=list[HaystackDocument])
    def run(self, documents: list[HaystackDocument]) -> dict[str, list[HaystackDocument]]:
        vectors = self.model.embed([self._text(document) for document in documents])
        # Floats in a row, as asked for, in a tenth of the memory of a list; and a pipeline, which copies what
        # it hands on, copies them in a tenth of the time.
        embedded = [
            replace(document, embedding=array("f", vector.tobytes()))  # type: ignore[arg-type]
            for document, vector in zip(documents, vectors, strict=True)
        ]
        return {"documents": embedded}

    @component.output_types(documents=list[HaystackDocument])
    async def run_async(self, documents: list[HaystackDocument]) -> dict[str, list[HaystackDocument]]:
        return await anyio.to_thread.run_sync(self.run, documents)

    def _text(self, document: HaystackDocument) -> str:
        fields = [document.meta.get(name) for name in self.meta_fields_to_embed]
        return META_SEPARATOR.join([*(str(field) for field in fields if field), document.content or ""])
