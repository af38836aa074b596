"""What a stranger wrote must not reach a terminal as commands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunedd_api.visible import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Bees make honey.", "Bees make honey."),
        ("\x1b[2J\x1b]0;title\x07clear", "[2J]0;titleclear"),
        ("\x9b31mred", "31mred"),
        ("exe\u202efdp.x", "exefdp.x"),
        ("a\u2066b\u2069\ufeff\u200e", "ab"),
        ("tab\tand\rreturn", "tab and return"),
        ("two\nlines", "two\nlines"),
        ("no\u00a0break\u2028here", "no break here"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d🔬", "👩\u200d🔬"),
        ("half \ud83d", "half \ufffd"),
        ("private \ue000", "private \ufffd"),
        ("hidden\U000e0041\U000e0042", "hidden"),
    ],
)
def test_text_keeps_what_can_be_seen(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_becomes_harmless_and_stays_so(text: str) -> None:
    shown = visible(text)
    assert visible(shown) == shown
    assert all(character.isprintable() or character in "\n\u200c\u200d" for character in shown)
    shown.encode()
