"""Sentences of a page grouped into passages."""

from tunedd_api.library.cutting.grouping import LEAST_WORDS, TARGET_WORDS, Stretch, group


def stretches(*lengths: int, section: str | None = None) -> list[Stretch]:
    """Sentences of so many words, each with twice as many tokens."""
    places, start = [], 0
    for words in lengths:
        places.append(Stretch(start=start, end=start + words, words=words, tokens=2 * words, section=section))
        start += words + 1
    return places


def roomy(section: str | None) -> int:
    return 10_000


def test_page_is_shared_evenly() -> None:
    groups = group(stretches(*[20] * 10), roomy)
    assert [end - start for start, end, _ in groups] == [104, 104]


def test_no_group_has_more_tokens_than_there_is_room() -> None:
    groups = group(stretches(*[30] * 8), lambda section: 130)
    assert [end - start for start, end, _ in groups] == [61] * 4


def test_heading_opens_a_group_and_carries_its_section() -> None:
    before = stretches(LEAST_WORDS, section="1 One")
    after = [
        Stretch(start=100, end=102, words=2, tokens=2, section="2 Two", opens=True),
        Stretch(start=103, end=140, words=40, tokens=50, section="2 Two"),
    ]
    assert group([*before, *after], roomy) == [(0, LEAST_WORDS, "1 One"), (100, 140, "2 Two")]


def test_headings_without_text_between_stay_together() -> None:
    headings = [
        Stretch(start=10 * n, end=10 * n + 5, words=2, tokens=2, section=str(n), opens=True) for n in (1, 2)
    ]
    text = Stretch(start=30, end=99, words=TARGET_WORDS, tokens=150, section="2")
    assert group([*headings, text], roomy) == [(10, 99, "2")]


def test_small_group_stays_alone_where_its_neighbour_is_full() -> None:
    full, rest = stretches(60, 5)
    opened = Stretch(start=rest.start, end=rest.end, words=5, tokens=10, section="2", opens=True)
    assert len(group([full, opened], lambda section: 125)) == 2


def test_nothing_makes_no_groups() -> None:
    assert group([], roomy) == []
