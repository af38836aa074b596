"""What is understood as an arXiv id, and what is not."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunedd_api.library.arxiv.ids import ID, parse
from tunedd_api.library.arxiv.model import NotAnArxivId


@pytest.mark.parametrize(
    ("reference", "id"),
    [
        ("2402.03578v1", "2402.03578v1"),
        ("2402.03578", "2402.03578"),
        (" 0704.0001v12\n", "0704.0001v12"),
        ("arXiv:2402.03578v1", "2402.03578v1"),
        ("ARXIV: 2402.03578", "2402.03578"),
        ("cs/0112017v1", "cs/0112017v1"),
        ("arXiv:hep-th/9901001", "hep-th/9901001"),
        ("math.GT/0309136", "math/0309136"),
        ("cond-mat.stat-mech/0309136v2", "cond-mat/0309136v2"),
        ("https://arxiv.org/abs/2402.03578v1", "2402.03578v1"),
        ("http://www.arxiv.org/abs/2402.03578?context=cs#comments", "2402.03578"),
        ("arxiv.org/pdf/2402.03578v1.pdf", "2402.03578v1"),
        ("https://export.arxiv.org/pdf/math/0309136v1", "math/0309136v1"),
        ("https://arxiv.org/html/2402.03578v1/", "2402.03578v1"),
        ("https://ArXiv.org/abs/math.GT/0309136", "math/0309136"),
    ],
)
def test_an_id_is_found_in_what_people_write(reference: str, id: str) -> None:
    assert str(parse(reference)) == id


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "attention is all you need",
        "2402.03578v0",
        "2402.03578v1234",
        "2413.03578",
        "2402.035789",
        "2402.03578,2402.03579",
        "2402.03578&max_results=9",
        "2402.03578?x=1",
        "2402.03578#x",
        "2402.03578v1/../../etc",
        "../2402.03578",
        "math/../0309136",
        "math%2f0309136",
        "2402.03578\n2402.03579",
        "https://arxiv.org/abs/24\n02.03578",
        "https://arxiv.org/abs/24\t02.03578",
        "2402.03578\x00",
        "٢٤٠٢.٠٣٥٧٨",
        "2402.03578\u202e",
        "https://arxiv.org/abs/",
        "https://arxiv.org/abs/../pdf/2402.03578",
        "https://arxiv.org/list/2402.03578",
        "https://arxiv.org@example.org/abs/2402.03578",
        "https://example.org/abs/2402.03578",
        "https://example.org/arxiv.org/abs/2402.03578",
        "https://arxiv.org.example.org/abs/2402.03578",
        "https://notarxiv.org/abs/2402.03578",
        "http://127.0.0.1/abs/2402.03578",
        "file:///abs/2402.03578",
        "ftp://arxiv.org/abs/2402.03578",
        "2402.03578" * 10_000,
        "https://arxiv.org/abs/2402.03578?" + "x" * 1000,
        "https://arxiv.org/abs/2402.03578?\x00",
        "https://arxiv.org/abs/2402.03578#\u202e",
    ],
)
def test_anything_else_is_refused_with_what_is_accepted(reference: str) -> None:
    with pytest.raises(NotAnArxivId, match=r"2402\.03578v1.*math/0309136.*https://arxiv\.org/abs/"):
        parse(reference)


@given(st.from_regex(ID, fullmatch=True))
def test_an_id_that_was_read_reads_the_same_and_fits_into_an_address(text: str) -> None:
    id = parse(text)
    assert parse(str(id)) == id
    assert set(str(id)) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-/")
    assert ".." not in str(id)


@given(st.text(max_size=60))
def test_no_text_is_too_odd_to_be_refused(text: str) -> None:
    with suppress(NotAnArxivId):
        assert ID.fullmatch(str(parse(text)))
