"""Where a model is on an Ollama server: `ollama://HOST:11434?model=NAME`, or `ollama+https://`."""

from dataclasses import dataclass

from tunedd_api.backends import model_url

SCHEMES = {"ollama": "http", "ollama+http": "http", "ollama+https": "https"}
PORT = 11434


@dataclass(frozen=True, kw_only=True)
class Address:
    url: str
    model: str
    """With its tag, as the server lists it."""


def parse(url: str) -> Address | None:
    """None if this is no such address."""
    if (found := model_url.split(url)) is None:
        return None
    parts, model = found
    scheme = SCHEMES.get(parts.scheme)
    if scheme is None or not parts.hostname or not model:
        return None
    port = PORT if parts.port is None and scheme == "http" else parts.port
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    place = f"{host}:{port}" if port else host
    tagged = model if ":" in model.rpartition("/")[2] else f"{model}:latest"
    return Address(url=f"{scheme}://{place}{parts.path.rstrip('/')}", model=tagged)
