"""What model servers say, for stand-ins: the APIs of Ollama, OpenAI and Anthropic as far as they are used."""

from collections.abc import Sequence
from typing import Any

from tests.servers.standin import Reply, Route
from tunedd_api.backends.mock_embedder import WordHashes

DIGEST = "77de9300d4f5a7bd7567bb90a300eb230b0c0b5a080865fd3f27741411d2e5cd"
DIMENSION = 64
WORDS = ("Agents ", "work ", "together.")


def _vectors(texts: str | Sequence[str]) -> list[list[float]]:
    hashes = WordHashes(DIMENSION)
    return [hashes.vector(text) for text in ([texts] if isinstance(texts, str) else texts)]


def ollama(*models: str, words: Sequence[str] = WORDS, **shown: Any) -> dict[str, Route]:
    """A server with these models. `shown` is said of each besides what is needed."""
    info = {"general.architecture": "bert", "bert.context_length": 512}
    return {
        "/api/tags": Reply.json({"models": [{"name": name, "digest": DIGEST} for name in models]}),
        "/api/show": Reply.json({"model_info": info, "capabilities": ["completion"], **shown}),
        "/api/embed": lambda body: Reply.json({"embeddings": _vectors(body["input"])}),
        "/api/chat": ollama_chat(*words),
    }


def ollama_piece(text: str, **more: Any) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": text, **more}, "done": False}


OLLAMA_END = {
    "message": {"role": "assistant", "content": ""},
    "done": True,
    "done_reason": "stop",
    "prompt_eval_count": 7,
    "eval_count": 3,
}


def ollama_chat(*words: str, end: str | None = None) -> Reply:
    """`end` is what happens instead of the end."""
    pieces = [ollama_piece(word) for word in words]
    return Reply.lines(*pieces, end=end) if end else Reply.lines(*pieces, OLLAMA_END)


def openai(*words: str, model: str = "some-model") -> dict[str, Route]:
    return {
        "/v1/models": Reply.json({"object": "list", "data": [{"id": model, "object": "model"}]}),
        "/v1/embeddings": lambda body: Reply.json(_openai_embeddings(body)),
        "/v1/chat/completions": openai_chat(*(words or WORDS)),
    }


def openai_chat(*words: str, end: str | None = None) -> Reply:
    pieces: list[Any] = [_openai_chunk({"content": word}) for word in words]
    if end:
        return Reply.events(*pieces, end=end)
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    last = _openai_chunk({}, finish="stop")
    return Reply.events(*pieces, last, {**last, "choices": [], "usage": usage}, "[DONE]")


def _openai_chunk(delta: dict[str, Any], *, finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": finish}
    return {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "some-model",
        "choices": [choice],
    }


def _openai_embeddings(body: Any) -> dict[str, Any]:
    data = [
        {"object": "embedding", "index": index, "embedding": vector}
        for index, vector in enumerate(_vectors(body["input"]))
    ]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    return {"object": "list", "model": body["model"], "data": data, "usage": usage}


def anthropic(*words: str, model: str = "some-model") -> dict[str, Route]:
    told = {"type": "model", "id": model, "display_name": model, "created_at": "2026-01-01T00:00:00Z"}
    return {
        f"/v1/models/{model}": Reply.json(told),
        "/v1/messages": anthropic_chat(*(words or WORDS)),
    }


def anthropic_chat(*words: str, end: str | None = None) -> Reply:
    usage = {"input_tokens": 7, "output_tokens": 1}
    message: dict[str, Any] = {
        "id": "1",
        "type": "message",
        "role": "assistant",
        "model": "some-model",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    opening = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    pieces = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
        for word in words
    ]
    if end:
        return Reply.events({"type": "message_start", "message": message}, opening, *pieces, end=end)
    stop = {"stop_reason": "end_turn", "stop_sequence": None}
    return Reply.events(
        {"type": "message_start", "message": message},
        opening,
        *pieces,
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": stop, "usage": {"output_tokens": 3}},
        {"type": "message_stop"},
    )
