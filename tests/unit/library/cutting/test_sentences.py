"""Sentences, paragraphs and words of clean text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunedd_api.library.cutting.sentences import LONGEST_WORD, has_overlong_word, paragraphs, sentences, words


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    "text",
    [
        "As shown by Wei et al. (2022) this holds.",
        "See Fig. 3 and Eq. 4 for details.",
        "This was said by J. Smith at Oxford.",
        "Some, e.g. Apples, are red.",
        "The value is 3.14 here.",
        "vs. Other methods",
    ],
)
def test_abbreviations_end_no_sentence(text: str) -> None:
    assert split(text) == [text]


def test_sentences_end_at_stops_before_capitals() -> None:
    text = "It works [1]. We show why! Does it? “Yes.” It does. (Not always.) 5 of 6 agree."
    assert split(text) == [
        "It works [1].",
        "We show why!",
        "Does it?",
        "“Yes.”",
        "It does.",
        "(Not always.)",
        "5 of 6 agree.",
    ]


def test_chinese_sentences_end_without_spaces() -> None:
    assert split("这是第一句。这是第二句。") == ["这是第一句。", "这是第二句。"]


def test_lines_that_the_layout_ends_are_sentences() -> None:
    assert split("Oxford, UK\nCambridge, UK") == ["Oxford, UK", "Cambridge, UK"]


def test_overlong_words_come_in_parts() -> None:
    blob = "A" * (2 * LONGEST_WORD + 1)
    assert has_overlong_word(f"an {blob}")
    assert not has_overlong_word("word " * 100)
    assert [end - start for start, end in words(blob, 0, len(blob))] == [LONGEST_WORD, LONGEST_WORD, 1]


@given(st.text(alphabet="ab A.!?\n。é1"))
def test_nothing_but_space_is_left_out(text: str) -> None:
    for parts in (list(sentences(text)), list(paragraphs(text)), list(words(text, 0, len(text)))):
        assert parts == sorted(parts)
        covered = {index for start, end in parts for index in range(start, end)}
        assert sum(end - start for start, end in parts) == len(covered)
        assert all(index in covered for index, character in enumerate(text) if not character.isspace())
