"""URLs of Weaviate, and the names of its collections."""

import traceback

import pytest

from tunedd_api.backends.weaviate.address import WrongWeaviateUrl, parse


def test_what_is_not_said_is_as_weaviate_has_it() -> None:
    address = parse("weaviate://weaviate")
    assert (address.http, address.grpc, address.secure) == ("weaviate:8080", "weaviate:50051", False)
    assert (address.collection(""), address.collection("index-0123abcd")) == (
        "Passages_index",
        "Passages_index_0123abcd",
    )


def test_all_can_be_said() -> None:
    address = parse("weaviate+https://host:8443?grpc=other:443&collection=Papers")
    assert (address.http, address.grpc, address.secure) == ("host:8443", "other:443", True)
    assert address.collection("") == "Papers_index"
    assert parse("weaviate+https://host").http == "host:443"


@pytest.mark.parametrize(
    "url",
    [
        "weaviate:passages",
        "weaviate://",
        "weaviate://host:port",
        "weaviate://host/path",
        "weaviate://host?grpc=",
        "weaviate://host?grpc=8080",
        "weaviate://host?grpc=0",
        "weaviate://host?grpc=-1",
        "weaviate://host?grpc=65536",
        "weaviate://host?grpc=99999999",
        "weaviate://host?grpc=other:-1",
        "weaviate://host?grpc=5_0",
        "weaviate://host?grpc=%D9%A5%D9%A0",
        "weaviate://host:0",
        "weaviate://host:65536",
        "weaviate://host?collection=small",
        "weaviate://host?collection=Two-Words",
        "weaviate://host?grcp=50051",
        "weaviate://[host",
    ],
)
def test_what_cannot_be_meant_is_refused(url: str) -> None:
    with pytest.raises(WrongWeaviateUrl, match="TUNEDD_PASSAGES_URL"):
        parse(url)


def test_the_highest_port_is_one() -> None:
    assert parse("weaviate://host:65535?grpc=1").grpc == "host:1"


@pytest.mark.parametrize(
    "url", ["weaviate://user:secret@host", "weaviate://host?grpc=user:secret@host:50051"]
)
def test_a_key_in_the_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(WrongWeaviateUrl, match="TUNEDD_WEAVIATE_API_KEY") as refused:
        parse(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "weaviate://user:secret/rest@host:8080",
        "weaviate://user:secret#rest@host:8080",
        "weaviate://secret\N{FULLWIDTH COMMERCIAL AT}host",
        "weaviate://host?secret",
        "weaviate://host?grpc=secret",
    ],
)
def test_what_cannot_be_read_is_not_repeated_for_it_may_be_a_password(url: str) -> None:
    with pytest.raises(WrongWeaviateUrl) as refused:
        parse(url)
    said = "".join(traceback.format_exception(refused.value)).partition("WrongWeaviateUrl")[2]
    assert "secret" not in said
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("name", ["Passages", "Passages_own", "Passages_index_0123abcdef", "Passages2_index"])
def test_other_collections_are_not_taken_for_ours(name: str) -> None:
    assert not parse("weaviate://host").owns(name)
