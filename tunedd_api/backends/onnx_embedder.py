"""MiniLM sentence embeddings on onnxruntime, and the two Haystack components over them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

import anyio.to_thread
import numpy as np
from haystack import Document as HaystackDocument
from haystack import component
from numpy.typing import NDArray

from tunedd_api.errors import SetupError

MODEL_FILE = "model.int8.onnx"
TOKENIZER_FILE = "tokenizer.json"
BATCH_TOKENS = 4096
"""Word pieces, padding included, of one run of the model: bounds memory, and how long a question waits."""
META_SEPARATOR = "\n"
"""Stands between title, section and text of an embedded passage."""


class MiniLM:
    """all-MiniLM-L6-v2 from a folder: cut at 256 word pieces, mean of the word vectors, length one."""

    name = "all-minilm-l6-v2/int8"
    dimension = 384
    max_tokens = 256

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        self._folder = folder
        self._threads = threads
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
        return [len(encoding.ids) for encoding in self._tokenizer.encode_batch_fast(list(texts))]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit vector per text, in the order of the texts."""
        self.warm_up()
        pieces = [self._cut(encoding.ids) for encoding in self._tokenizer.encode_batch_fast(list(texts))]
        vectors = np.zeros((len(pieces), self.dimension), dtype=np.float32)
        for batch in _batches([len(ids) for ids in pieces]):
            vectors[batch] = self._run([pieces[index] for index in batch])
        return vectors

    def _cut(self, ids: list[int]) -> list[int]:
        return ids if len(ids) <= self.max_tokens else [*ids[: self.max_tokens - 1], ids[-1]]

    def _run(self, batch: list[list[int]]) -> NDArray[np.float32]:
        ids = np.zeros((len(batch), max(map(len, batch))), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, pieces in enumerate(batch):
            ids[row, : len(pieces)] = pieces
            mask[row, : len(pieces)] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        words: NDArray[np.float32] = self._session.run(["last_hidden_state"], feed)[0]
        weights = mask[:, :, None].astype(np.float32)
        means = (words * weights).sum(axis=1) / weights.sum(axis=1)
        lengths = np.linalg.norm(means, axis=1, keepdims=True)
        return np.asarray(means / np.maximum(lengths, 1e-12), dtype=np.float32)

    def _load_tokenizer(self) -> Any:
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise _missing_extra(error) from error
        tokenizer = Tokenizer.from_file(str(self._file(TOKENIZER_FILE)))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    def _load_session(self) -> Any:
        try:
            import onnxruntime
        except ImportError as error:
            raise _missing_extra(error) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads or 0
        options.inter_op_num_threads = 1
        # Waiting threads otherwise burn the cores that the language model needs.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(
            str(self._file(MODEL_FILE)), options, providers=["CPUExecutionProvider"]
        )

    def _file(self, name: str) -> Path:
        path = self._folder / name
        if not path.is_file():
            raise SetupError(f"The embedding model's file {path} is missing. Run: tunedd models pull")
        return path


@component
class OnnxTextEmbedder:
    """Embeds a question."""

    def __init__(self, model: MiniLM) -> None:
        self.model = model

    def warm_up(self) -> None:
        self.model.warm_up()

    @component.output_types(embedding=list[float])
    def run(self, text: str) -> dict[str, list[float]]:
        return {"embedding": self.model.embed([text])[0].tolist()}

    @component.output_types(embedding=list[float])
    async def run_async(self, text: str) -> dict[str, list[float]]:
        return await anyio.to_thread.run_sync(self.run, text)


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
        embedded = [
            replace(document, embedding=vector.tolist())
            for document, vector in zip(documents, vectors, strict=True)
        ]
        return {"documents": embedded}

    @component.output_types(documents=list[HaystackDocument])
    async def run_async(self, documents: list[HaystackDocument]) -> dict[str, list[HaystackDocument]]:
        return await anyio.to_thread.run_sync(self.run, documents)

    def _text(self, document: HaystackDocument) -> str:
        fields = [document.meta.get(name) for name in self.meta_fields_to_embed]
        return META_SEPARATOR.join([*(str(field) for field in fields if field), document.content or ""])


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indices in batches of similar length, so that little is padding."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: lengths[index]):
        if batch and (len(batch) + 1) * lengths[index] > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _missing_extra(error: ImportError) -> SetupError:
    return SetupError(f"{error.name} is not installed. Install it with: pip install 'tunedd-api[embedded]'")
