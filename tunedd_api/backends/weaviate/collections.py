"""The collections of a server that hold indexes, and the alias that names the one that serves."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import structlog
from weaviate import WeaviateAsyncClient
from weaviate.exceptions import UnexpectedStatusCodeError

from tunedd_api.backends.weaviate.address import Address
from tunedd_api.backends.weaviate.definition import OtherDefinition, definition, is_stray, verify

log = structlog.get_logger(__name__)


async def ensure(client: WeaviateAsyncClient, name: str, dimension: int) -> None:
    """
    Makes the collection where there is none. Several processes may do so at once.

    Raises OtherDefinition for one of another kind.
    """
    found = await _found(client, name)
    if found is not None and is_stray(found):
        log.info("collection.stray_deleted", collection=name)
        await client.collections.delete(name)
        found = None
    if found is None:
        try:
            await client.collections.create_from_dict(definition(name, dimension))
        except UnexpectedStatusCodeError:
            # Another process may have been quicker; if not, the error was about something else.
            found = await _found(client, name)
            if found is None:
                raise
        else:
            log.info("collection.created", collection=name, dimension=dimension)
            return
    verify(found, dimension)


async def point_alias(client: WeaviateAsyncClient, address: Address, place: str) -> None:
    """
    Lets the bare name stand for the collection of one index, which must exist.

    Raises OtherDefinition where a collection already has that name.
    """
    target = address.collection(place)
    named = await client.alias.get(alias_name=address.name)
    if named is not None and named.collection == target:
        return
    if named is None and not await _created(client, address.name, target):
        named = await client.alias.get(alias_name=address.name)
    if named is not None:
        await client.alias.update(alias_name=address.name, new_target_collection=target)
    log.info("collection.serves", collection=target, alias=address.name)


async def discard(client: WeaviateAsyncClient, address: Address, place: str) -> None:
    """Deletes the collection of an index, with all its passages, if it is there."""
    name = address.collection(place)
    await client.collections.delete(name)
    await _drop_alias(client, address, lambda target: target == name)


async def discard_others(client: WeaviateAsyncClient, address: Address, places: Collection[str]) -> None:
    """Deletes the collections of all indexes but these."""
    kept = {address.collection(place) for place in places}
    for name in await client.collections.list_all(simple=True):
        if address.owns(name) and name not in kept:
            await client.collections.delete(name)
    await _drop_alias(client, address, lambda target: address.owns(target) and target not in kept)


async def _drop_alias(client: WeaviateAsyncClient, address: Address, gone: Callable[[str], bool]) -> None:
    """Where it names what is gone: Weaviate keeps it, and refuses collections of that name."""
    named = await client.alias.get(alias_name=address.name)
    if named is not None and gone(named.collection):
        await client.alias.delete(alias_name=address.name)


async def _created(client: WeaviateAsyncClient, alias: str, target: str) -> bool:
    try:
        await client.alias.create(alias_name=alias, target_collection=target)
    except UnexpectedStatusCodeError as error:
        if await client.alias.exists(alias_name=alias):
            # Another process was quicker. What it names may be gone already.
            return False
        if await _found(client, alias) is None:
            raise
        raise OtherDefinition(
            f"Weaviate has a collection {alias}, so this name cannot stand for the index that serves. "
            "Delete it, or put &collection=ANOTHER_NAME behind TUNEDD_PASSAGES_URL."
        ) from error
    return True


async def _found(client: WeaviateAsyncClient, name: str) -> Mapping[str, Any] | None:
    """The definition of a collection, or of the one that an alias names."""
    try:
        config = await client.collections.export_config(name)
    except UnexpectedStatusCodeError as error:
        if error.status_code == 404:
            return None
        raise
    return config.to_dict()
