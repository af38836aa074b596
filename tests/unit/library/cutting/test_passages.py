"""Passages: nothing lost, nothing too long, nothing out of order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.embeddings import ByteCounter, PieceCounter
from tunedd_api.library.cutting.passages import LONGEST_TITLE, cut, title_in_front
from tunedd_api.library.model import Page, Passage

TITLE = "On the Honey of Bees"


def pages(*texts: str) -> list[Page]:
    return [
        Page(number=number, text=text, positions=tuple(range(len(text))))
        for number, text in enumerate(texts, 1)
    ]


def sentence(words: int, first: str = "It") -> str:
    return f"{first} {' '.join(['word'] * (words - 2))} end."


def embedded(passage: Passage, title: str | None) -> str:
    return "\n".join(field for field in (title_in_front(title), passage.section, passage.text) if field)


words = st.one_of(
    st.sampled_from(
        ["It", "works.", "See", "Fig.", "3", "1 Introduction\n\n", "References\n\n", "\n", "\n\n"]
    ),
    st.text(min_size=1, max_size=12),
    st.sampled_from(["x" * 700, "蜂蜜" * 150, "QUJD+/=" * 60, "∑∂∇" * 40, "。"]),
)
texts = st.lists(words, max_size=120).map(" ".join)


@pytest.mark.parametrize("counter", [PieceCounter, ByteCounter])
@given(texts=st.lists(texts, max_size=3), title=st.one_of(st.none(), st.text(max_size=200)))
def test_passages_cover_their_pages_and_fit(
    counter: type[PieceCounter], texts: list[str], title: str | None
) -> None:
    # Room for title, section and a little text, whatever the alphabet.
    embedding = counter(max_tokens=400)
    given_pages = pages(*texts)
    passages = cut(given_pages, embedding, title=title)
    by_number = {page.number: page.text for page in given_pages}
    for passage in passages:
        assert by_number[passage.page][passage.start : passage.end] == passage.text
    places = [(passage.page, passage.start, passage.end) for passage in passages]
    assert places == sorted(places)
    covered = {(page, index) for page, start, end in places for index in range(start, end)}
    for number, text in by_number.items():
        assert all((number, at) in covered for at, character in enumerate(text) if not character.isspace())
    counts = embedding.count_tokens([embedded(passage, title) for passage in passages])
    assert all(count <= embedding.max_tokens for count in counts)


def test_passages_end_where_sentences_end() -> None:
    text = " ".join(sentence(25) for _ in range(20))
    passages = cut(pages(text), PieceCounter(), title=TITLE)
    assert len(passages) > 2
    assert all(passage.text.startswith("It ") and passage.text.endswith("end.") for passage in passages)


def test_passages_of_a_page_have_about_one_size() -> None:
    text = " ".join(sentence(10) for _ in range(30))
    lengths = [len(passage.text.split()) for passage in cut(pages(text), PieceCounter(), title=TITLE)]
    assert len(lengths) == 2 or len(lengths) == 3
    assert max(lengths) - min(lengths) <= 20


def test_small_rest_joins_its_neighbour() -> None:
    text = f"{sentence(110)}\n\nA short rest."
    assert len(cut(pages(text), PieceCounter(), title=TITLE)) == 1


def test_no_passage_reaches_over_a_page() -> None:
    passages = cut(pages("It goes on", "over the page."), PieceCounter(), title=TITLE)
    assert [passage.page for passage in passages] == [1, 2]


def test_section_is_carried_over_pages() -> None:
    first = f"1 Introduction\n\n{sentence(100)}\n\n2.1 Other Matters\n\n{sentence(100)}"
    passages = cut(pages(first, sentence(50)), PieceCounter(), title=TITLE)
    assert [passage.section for passage in passages] == [
        "1 Introduction",
        "2.1 Other Matters",
        "2.1 Other Matters",
    ]


def test_references_are_marked_whatever_they_are_called() -> None:
    text = f"{sentence(100)}\n\n7. BIBLIOGRAPHY\n\n{sentence(100, 'Wei')}"
    sections = [passage.section for passage in cut(pages(text), PieceCounter(), title=TITLE)]
    assert sections == [None, "References"]


def test_heading_stands_in_the_passage_it_opens() -> None:
    text = f"{sentence(60)}\n\n2 Methods\n\n{sentence(60)}"
    passages = cut(pages(text), PieceCounter(), title=TITLE)
    assert passages[1].text.startswith("2 Methods")


def test_sentence_longer_than_the_embedder_reads_is_cut_between_words() -> None:
    text = " ".join(["word"] * 900)
    passages = cut(pages(text), PieceCounter(), title=TITLE)
    assert " ".join(passage.text for passage in passages) == text


def test_encoded_data_makes_no_giant_passages() -> None:
    # A tokenizer may count one enormous word as one unknown token.
    class Unknowing(PieceCounter):
        def count_tokens(self, texts):  # type: ignore[no-untyped-def]  # the signature of its base
            return [2 + len(text.split()) for text in texts]

    passages = cut(pages("QUJD" * 5000), Unknowing(), title=TITLE)
    assert max(len(passage.text) for passage in passages) < 3000


def test_long_title_is_shortened_at_a_word() -> None:
    title = "word " * 60
    shortened = title_in_front(title)
    assert shortened is not None
    assert len(shortened) <= LONGEST_TITLE
    assert shortened.endswith("word")


def test_embedder_too_small_for_the_title_is_told_of() -> None:
    with pytest.raises(ValueError, match="leave no room"):
        cut(pages("some text"), PieceCounter(max_tokens=5), title=TITLE)


def test_empty_pages_have_no_passages() -> None:
    assert cut(pages("", " \n\n "), PieceCounter(), title=None) == []
