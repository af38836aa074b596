"""Where a model is on an Ollama server: `ollama://HOST:11434?model=NAME`, or `ollama+https://`."""

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

SCHEMES = {"ollama": "http", "ollama+http": "http", "ollama+https": "https"}
PORT = 11434


@dataclass(frozen=True, kw_only=True)
class Address:
    url: str
    model: str
    """With its tag, as the server lists it."""


def parse(url: str) -> Address | None:
    """None if this is no such address."""
    parts = urlsplit(url)
    scheme = SCHEMES.get(parts.scheme)
    model = parse_qs(parts.query).get("model", [""])[0].strip()
    try:
        port = parts.port
    except ValueError:
        return None
    if scheme is None or not parts.hostname or not model:
        return None
    if port is None and scheme == "http":
        port = PORT
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    place = f"{host}:{port}" if port else host
    tagged = model if ":" in model.rpartition("/")[2] else f"{model}:latest"
    return Address(url=f"{scheme}://{place}{parts.path.rstrip('/')}", model=tagged)
