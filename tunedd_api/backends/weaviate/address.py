"""Where a Weaviate server is, and under which name passages are kept there, out of one URL."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from tunedd_api.errors import SetupError

COLLECTION = "Passages"
GRPC_PORT = 50051
FIRST = "index"
"""What the collection of the first index has behind the name; others have their place there."""
NAME = re.compile(r"[A-Z][A-Za-z0-9_]{0,99}")
PORT = re.compile(r"[0-9]{1,5}")


class WrongWeaviateUrl(SetupError):
    """TUNEDD_PASSAGES_URL must be weaviate://HOST:8080?grpc=50051, or weaviate+https://…"""

    def __init__(self, why: str) -> None:
        super().__init__(f"{why} TUNEDD_PASSAGES_URL must be like weaviate://HOST:8080?grpc=50051.")


@dataclass(frozen=True, kw_only=True)
class Address:
    """One server, and the name of our collections there."""

    host: str
    port: int
    grpc_host: str
    grpc_port: int
    secure: bool
    name: str

    @property
    def http(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def grpc(self) -> str:
        return f"{self.grpc_host}:{self.grpc_port}"

    def collection(self, place: str) -> str:
        """Of the index at a place; the bare name is the alias of whichever serves."""
        return f"{self.name}_{place.replace('-', '_') or FIRST}"

    def owns(self, collection: str) -> bool:
        """Whether it is the collection of one of our indexes."""
        return re.fullmatch(f"{self.name}_{FIRST}(_[0-9a-f]{{8}})?", collection) is not None


def parse(url: str) -> Address:
    """
    Of `weaviate://HOST:8080?grpc=50051&collection=Passages`, all but the host as it is by default.

    `weaviate+https` speaks TLS on both ports; `grpc` may be HOST:PORT. Raises WrongWeaviateUrl.
    """
    try:
        parts = urlsplit(url)
        options = parse_qs(parts.query, strict_parsing=bool(parts.query), keep_blank_values=True)
        host, port = parts.hostname, parts.port
    except ValueError:
        # Its text repeats what was not understood, which may be a password with a `/` in it.
        raise WrongWeaviateUrl("The URL cannot be read.") from None
    grpc_host, _, grpc_port = options.pop("grpc", [str(GRPC_PORT)])[-1].rpartition(":")
    name = options.pop("collection", [COLLECTION])[-1]
    if not host or parts.path.strip("/") or options:
        raise WrongWeaviateUrl("It names a host, and may name a gRPC port and a collection.")
    if parts.username or parts.password or "@" in grpc_host:
        raise WrongWeaviateUrl("A key does not belong into the URL, but into TUNEDD_WEAVIATE_API_KEY.")
    if not NAME.fullmatch(name):
        raise WrongWeaviateUrl("A collection's name begins with a capital and has letters, digits and _.")
    if port == 0 or not (PORT.fullmatch(grpc_port) and 0 < int(grpc_port) < 1 << 16):
        raise WrongWeaviateUrl("A port is a number from 1 to 65535.")
    secure = parts.scheme == "weaviate+https"
    address = Address(
        host=host,
        port=port or (443 if secure else 8080),
        grpc_host=grpc_host or host,
        grpc_port=int(grpc_port),
        secure=secure,
        name=name,
    )
    if address.http == address.grpc:
        raise WrongWeaviateUrl("HTTP and gRPC need ports of their own.")
    return address
