"""A connection to Weaviate that gives up in time, and asks nobody else."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
from grpc import StatusCode  # type: ignore[import-untyped]  # grpc ships no types
from grpc.aio import AioRpcError  # type: ignore[import-untyped]  # as above
from pydantic import SecretStr
from weaviate import WeaviateAsyncClient
from weaviate.auth import Auth
from weaviate.config import AdditionalConfig, ConnectionConfig, GrpcConfig, Timeout
from weaviate.connect.base import ConnectionParams

from tunedd_api.backends.weaviate.address import Address
from tunedd_api.backends.weaviate.failures import GrpcFailure, explained, recognized

CONNECT = 3.0
"""Seconds, as the following."""
QUERY = 10.0
WRITE = 60.0
AGAIN_AFTER = 0.1
"""Before the one further try of a call that did not get through: the connection may just have been closed."""
RECONNECT_MS = (100, 1000)
"""First and longest pause between two attempts to connect; by default it grows to two minutes."""
OWN_CODES = (
    StatusCode.UNAVAILABLE,
    StatusCode.DEADLINE_EXCEEDED,
    StatusCode.UNAUTHENTICATED,
    StatusCode.PERMISSION_DENIED,
    StatusCode.RESOURCE_EXHAUSTED,
)


async def connect(address: Address, api_key: SecretStr | None) -> WeaviateAsyncClient:
    """Raises StoreUnavailable, SetupError."""
    # At ERROR it logs whole passages.
    logging.getLogger("weaviate-client").setLevel(logging.CRITICAL)
    client = WeaviateAsyncClient(
        ConnectionParams.from_params(
            http_host=address.host,
            http_port=address.port,
            http_secure=address.secure,
            grpc_host=address.grpc_host,
            grpc_port=address.grpc_port,
            grpc_secure=address.secure,
        ),
        auth_client_secret=Auth.api_key(api_key.get_secret_value()) if api_key else None,
        additional_config=_bounds(),
        # The checks ask a package index for the client's newest version.
        skip_init_checks=True,
    )
    try:
        with explained(address, CONNECT), recognized(address):
            await client.connect()
    except BaseException:
        with anyio.CancelScope(shield=True):
            await client.close()
        raise
    connection: Any = client._connection
    connection._grpc_stub = _Impatient(connection._grpc_stub)
    return client


@asynccontextmanager
async def connected(address: Address, api_key: SecretStr | None) -> AsyncIterator[WeaviateAsyncClient]:
    """For the length of a block. Raises StoreUnavailable, SetupError."""
    client = await connect(address, api_key)
    try:
        yield client
    finally:
        with anyio.CancelScope(shield=True):
            await client.close()


class _Impatient:
    """The client tries a call that does not get through again and again, for 63 seconds: not this one."""

    def __init__(self, stub: Any) -> None:
        self._stub = stub

    def __getattr__(self, name: str) -> Any:
        return partial(_called, getattr(self._stub, name))


async def _called(call: Any, *arguments: Any, **options: Any) -> Any:
    try:
        return await call(*arguments, **options)
    except AioRpcError as error:
        if error.code() is not StatusCode.UNAVAILABLE:
            raise _own(error) from error
    await anyio.sleep(AGAIN_AFTER)
    try:
        return await call(*arguments, **options)
    except AioRpcError as error:
        raise _own(error) from error


def _own(error: AioRpcError) -> Exception:
    return GrpcFailure(error) if error.code() in OWN_CODES else error


def _bounds() -> AdditionalConfig:
    first, longest = RECONNECT_MS
    return AdditionalConfig(
        timeout=Timeout(init=CONNECT, query=QUERY, insert=WRITE),
        connection=ConnectionConfig(session_pool_max_retries=0),
        grpc_config=GrpcConfig(
            channel_options=[
                ("grpc.initial_reconnect_backoff_ms", first),
                ("grpc.max_reconnect_backoff_ms", longest),
                ("grpc.min_reconnect_backoff_ms", int(1000 * CONNECT)),
            ]
        ),
    )
