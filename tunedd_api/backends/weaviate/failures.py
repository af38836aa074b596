"""What the errors of Weaviate's client and of its two protocols mean to the service."""

from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import httpx
from grpc import StatusCode  # type: ignore[import-untyped]  # grpc ships no types
from grpc.aio import AioRpcError  # type: ignore[import-untyped]  # as above
from weaviate.exceptions import (
    UnexpectedStatusCodeError,
    WeaviateConnectionError,
    WeaviateInvalidInputError,
    WeaviateQueryError,
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
    except (TuneddError, WeaviateInvalidInputError):
        raise
    except Exception as error:
        if meant := _meaning(error, address, within):
            raise meant from error
        raise


def _meaning(error: Exception, address: Address, within: float) -> TuneddError | None:
    match error:
        case GrpcFailure():
            return _of_grpc(error, address, within)
        case _ if isinstance(error, LATE):
            return StoreUnavailable(f"Weaviate at {address.http} did not answer within {within:g} seconds.")
        case UnexpectedStatusCodeError(status_code=401 | 403):
            return _refused(address)
        case UnexpectedStatusCodeError() | WeaviateQueryError():
            return StoreUnavailable(f"Weaviate at {address.http} cannot do this: {_reason(error)}")
        case _ if isinstance(error, UNREACHABLE):
            return StoreUnavailable(f"Weaviate cannot be reached at {address.http} (HTTP). {SETTING}")
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
