"""Counts the tokens of a text as Ollama does, from the vocabulary that it gives of a model."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tunedd_api.backends.token_estimate import estimate_tokens
from tunedd_api.errors import MissingExtra

Counter = Callable[[Sequence[str]], list[int]]

WORD_START = "▁"
"""Stands before what begins a word, where the original vocabulary has `##` before what does not."""
CONTROL = 3
"""Token type of [CLS] and its like, which are written as they are."""
FRAME = 2
"""Tokens that stand around every text."""
LONGEST_WORD = 1_000_000
"""Letters; the original gives up on a word of more than a hundred, Ollama does not."""


def counter(tokenizer: Mapping[str, Any]) -> tuple[Counter, bool]:
    """A count of tokens, and whether it is exact. `tokenizer` is what Ollama says of a model's."""
    if tokenizer.get("model") == "bert" and tokenizer.get("tokens"):
        return _word_pieces(tokenizer), True
    # Others need merges and a splitting of words that is not given: counted high.
    return lambda texts: [FRAME + estimate_tokens(text) for text in texts], False


def _word_pieces(described: Mapping[str, Any]) -> Counter:
    try:
        from tokenizers import Tokenizer
        from tokenizers.models import WordPiece
        from tokenizers.normalizers import BertNormalizer
        from tokenizers.pre_tokenizers import BertPreTokenizer
    except ImportError as error:
        raise MissingExtra.named(error.name, "servers") from error
    tokens: Sequence[str] = described["tokens"]
    types = described.get("token_type") or [0] * len(tokens)
    vocabulary = {
        _original(token, kind): id for id, (token, kind) in enumerate(zip(tokens, types, strict=True))
    }
    unknown = _original(tokens[described["unknown_token_id"]], CONTROL)
    pieces = Tokenizer(WordPiece(vocabulary, unk_token=unknown, max_input_chars_per_word=LONGEST_WORD))
    pieces.normalizer = BertNormalizer(strip_accents=True, lowercase=True)
    pieces.pre_tokenizer = BertPreTokenizer()
    return lambda texts: [FRAME + len(one) for one in pieces.encode_batch_fast(list(texts))]


def _original(token: str, kind: int) -> str:
    if token.startswith(WORD_START):
        return token[len(WORD_START) :]
    return token if kind == CONTROL or (token.startswith("[") and token.endswith("]")) else f"##{token}"
