"""Where a model is on an OpenAI-compatible server: `openai+https://HOST/v1?model=NAME`, or `openai+http://`."""

from dataclasses import dataclass

from haystack.utils import Secret

from tunedd_api.backends import model_url
from tunedd_api.settings import Settings

KEY = "TUNEDD_OPENAI_API_KEY"
"""The setting of the key."""
PREFIX = "openai+"
NO_KEY = "none"
"""Servers without keys accept any; the client insists on one."""


@dataclass(frozen=True, kw_only=True)
class Address:
    url: str
    model: str


def parse(url: str) -> Address | None:
    """None if this is no such address."""
    found = model_url.split(url.removeprefix(PREFIX)) if url.startswith(PREFIX) else None
    if found is None:
        return None
    parts, name = found
    if parts.scheme not in ("http", "https") or not name or not parts.hostname:
        return None
    return Address(url=parts._replace(query="").geturl(), model=name)


def key(settings: Settings) -> Secret:
    given = settings.openai_api_key
    return Secret.from_token(given.get_secret_value() if given else NO_KEY)
