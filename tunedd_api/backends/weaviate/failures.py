"""What the errors of Weaviate's client and of its two protocols mean to the service."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import httpx
from grpc import StatusCode  # type: ignore[import-untyped]  # grpc ships no types
from grpc.aio import AioRpcError  # type: ignore[import-untyped]  # as above
from weaviate.exceptions import (
    ResponseCannotBeDecodedError,
    UnexpectedStatusCodeError,
    WeaviateBaseError,
    WeaviateBatchValidationError,
    WeaviateConnectionError,
    WeaviateInsertInvalidPropertyError,
    WeaviateInvalidInputError,
    WeaviateStartUpError,
    WeaviateTimeoutError,
)

from tunedd_api.backends.weaviate.address import Address
from tunedd_api.errors import SetupError, StoreUnavailable, TuneddError

LONGEST_REASON = 200
"""Characters of what the server says."""
SETTING = "Is it running, and is TUNEDD_PASSAGES_URL right?"
UNREACHABLE = (httpx.TransportError, WeaviateConnectionError, WeaviateStartUpError, OSError)
LATE = (TimeoutError, httpx.TimeoutException, WeaviateTimeoutError)
OWN = (WeaviateInvalidInputError, WeaviateInsertInvalidPropertyError, WeaviateBatchValidationError)
"""Those that a mistake of this service makes: nothing to explain away."""
STRANGE = (
    ResponseCannotBeDecodedError,
    httpx.DecodingError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    AssertionError,
)
"""What the client meets in an answer of another shape than Weaviate's: it takes it to pieces unseen."""
NO_SUCH_PAGE = (301, 302, 303, 307, 308, 404, 405)
GONE = re.compile("could not find class|class '[^']*' not present in schema")
"""What the server says of a collection that it has not."""


class GrpcFailure(Exception):
    """A call that did not reach the server, or that it did not let in."""

    def __init__(self, error: AioRpcError) -> None:
        super().__init__(error.details())
        self.code = error.code()


@contextmanager
def explained(address: Address, within: float) -> Iterator[None]:
    """Errors inside the block, which may last so many seconds, as callers of the service know them."""
    try:
        with anyio.fail_after(within):
            yield
    except (TuneddError, *OWN):
        raise
    except Exception as error:
        if meant := _meaning(error, address, within):
            raise meant from error
        raise


@contextmanager
def recognized(address: Address) -> Iterator[None]:
    """
    For the first words with a server: whoever answers them otherwise than Weaviate does is another program.

    Inside `explained`. Raises StoreUnavailable.
    """
    try:
        yield
    except (*STRANGE, UnexpectedStatusCodeError) as error:
        if isinstance(error, UnexpectedStatusCodeError) and error.status_code not in NO_SUCH_PAGE:
            raise
        if isinstance(error, OSError):
            # A wrong certificate is a ValueError too.
            raise
        raise StoreUnavailable(f"What answers at {address.http} is not Weaviate. {SETTING}") from error


def says_gone(error: Exception) -> bool:
    """Whether the collection is not there any more: its server lost what it had, or somebody deleted it."""
    return GONE.search(str(error)) is not None


def _meaning(error: Exception, address: Address, within: float) -> TuneddError | None:
    match error:
        case GrpcFailure():
            return _of_grpc(error, address, within)
        case _ if isinstance(error, LATE):
            return StoreUnavailable(f"Weaviate at {address.http} did not answer within {within:g} seconds.")
        case UnexpectedStatusCodeError(status_code=401 | 403):
            return _refused(address)
        case WeaviateStartUpError(__cause__=None):
            # Reached, but too old.
            return StoreUnavailable(f"Weaviate at {address.http} cannot be used: {_reason(error)}")
        case _ if isinstance(error, UNREACHABLE):
            return StoreUnavailable(f"Weaviate cannot be reached at {address.http} (HTTP). {SETTING}")
        case WeaviateBaseError() if says_gone(error):
            return StoreUnavailable(
                f"Weaviate at {address.http} has lost its collection of passages. The next use makes it anew."
            )
        case WeaviateBaseError():
            return StoreUnavailable(f"Weaviate at {address.http} cannot do this: {_reason(error)}")
        case _:
            return None


def _of_grpc(failure: GrpcFailure, address: Address, within: float) -> TuneddError:
    match failure.code:
        case StatusCode.UNAVAILABLE:
            return StoreUnavailable(f"Weaviate cannot be reached at {address.grpc} (gRPC). {SETTING}")
        case StatusCode.DEADLINE_EXCEEDED:
            return StoreUnavailable(
                f"Weaviate at {address.grpc} (gRPC) did not answer within {within:g} seconds."
            )
        case StatusCode.UNAUTHENTICATED | StatusCode.PERMISSION_DENIED:
            return _refused(address)
        case _:
            return StoreUnavailable(f"Weaviate at {address.grpc} (gRPC) cannot do this: {_reason(failure)}")


def _refused(address: Address) -> SetupError:
    return SetupError(
        f"Weaviate at {address.http} refuses this key, or a request without one: set TUNEDD_WEAVIATE_API_KEY."
    )


def _reason(error: Exception) -> str:
    said = str(getattr(error, "message", "") or error)
    return " ".join(said.split())[:LONGEST_REASON]
