"""Characters made fit for reading and searching."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunedd_api.library.reading.characters import clean


def cleaned(text: str) -> str:
    return "".join(character for character, _ in clean(text))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("e\ufb03cient \ufb02ow", "efficient flow"),
        ("\U0001d434\U0001d454ent", "Agent"),
        ("\ud835\udc34gent", "Agent"),
        ("Ａ１", "A1"),
        ("a\u00a0b\u2003c", "a b c"),
        ("na\u00efve re\u0301sume\u0301", "naïve résumé"),
        ("Fr´ed´eric Sch¨olkopf na´ıve", "Frédéric Schölkopf naíve"),
        ("\uf0b7 item", "• item"),
    ],
)
def test_disguised_letters_become_plain_ones(raw: str, expected: str) -> None:
    assert cleaned(raw) == expected


@pytest.mark.parametrize("text", ["10² ≠ 10³", "αβγ Δθ ∑ ∫ ≤ ½", "x̸", "“quoted” — dash", "می‌خواهم"])
def test_symbols_greek_and_superscripts_stay(text: str) -> None:
    assert cleaned(text) == text


@pytest.mark.parametrize(
    "hidden", ["\x00", "\x03", "\u200b", "\ufeff", "\u202e", "\U000e0041", "\ufffe", "\ue000"]
)
def test_what_nobody_can_see_is_dropped(hidden: str) -> None:
    assert cleaned(f"a{hidden}b") == "ab"


def test_half_of_a_surrogate_pair_never_survives() -> None:
    for half in ("\ud835", "\udc34"):
        assert cleaned(f"a{half}b") == "ab"
        assert cleaned(half) == ""


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_becomes_storable_and_keeps_its_order(text: str) -> None:
    found = list(clean(text))
    "".join(character for character, _ in found).encode()
    indices = [index for _, index in found]
    assert indices == sorted(indices)
    assert all(0 <= index < len(text) for index in indices)
    assert all(len(character) == 1 for character, _ in found)
