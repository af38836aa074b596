"""Which line breaks end a paragraph."""

from tunedd_api.library.reading.flow import breaks
from tunedd_api.library.reading.layout import Box, Line, RawPage

Printed = tuple[str, float, float, float]
"""Text, left, bottom, size."""


def joined(*printed: Printed, width: float | None = None) -> str:
    text, lines = "", []
    for words, left, bottom, size in printed:
        right = left + (width or 0.5 * size * len(words))
        box = Box(left=left, bottom=bottom, right=right, top=bottom + size)
        lines.append(Line(start=len(text), end=len(text) + len(words), box=box, size=size))
        text += words + "\r\n"
    page = RawPage(number=1, text=text, lines=tuple(lines))
    parts = zip(printed, breaks(page, lines), strict=True)
    return "".join(words + behind for (words, *_), behind in parts)


def test_lines_of_one_paragraph_flow_together() -> None:
    lines = [("the first line of it", 72, 700, 10), ("runs on into the next", 72, 688, 10)]
    assert joined(*lines, width=200) == "the first line of it runs on into the next"


def test_larger_type_above_is_a_paragraph_of_its_own() -> None:
    lines = [("Related matters", 72, 700, 14), ("the text below of it", 72, 684, 10)]
    assert joined(*lines, ("and some more lines", 72, 672, 10)).startswith("Related matters\n\n")


def test_indent_after_a_sentence_begins_a_paragraph() -> None:
    lines = [("This is said here. It ends.", 72, 700, 10), ("A new thought comes", 90, 688, 10)]
    assert "ends.\n\nA new" in joined(*lines, ("and is thought on here", 72, 676, 10), width=200)


def test_short_lines_stay_lines() -> None:
    wide = [("a long line that shows how wide this column is", 72, y, 10) for y in (700.0, 688.0)]
    short = [("Oxford", 72, 676, 10), ("Cambridge", 72, 664, 10)]
    assert "Oxford\nCambridge" in joined(*wide, *short)


def test_sentence_that_runs_into_the_next_column_is_not_torn() -> None:
    left = [("the left column ends in the", 72, y, 10) for y in (124.0, 112.0, 100.0)]
    right = [("middle of a sentence here", 320, y, 10) for y in (700.0, 688.0)]
    assert "ends in the middle of" in joined(*left, *right, width=220)


def test_raised_mark_touches_its_word_and_columns_of_a_table_do_not() -> None:
    assert joined(("Ada", 72, 700, 10), ("1", 87, 705, 7), (", Alan", 90.5, 700, 10)) == "Ada1, Alan"
    assert joined(("Score", 72, 700, 10), ("0.5", 200, 700, 10)) == "Score 0.5"


def test_without_places_a_short_last_line_ends_a_paragraph() -> None:
    printed = ["a line as long as lines are here", "its end.", "another line as long as those are"]
    text = "\n".join(printed)
    starts = [text.index(words) for words in printed]
    lines = [Line(start=at, end=at + len(words)) for at, words in zip(starts, printed, strict=True)]
    assert breaks(RawPage(number=1, text=text, lines=tuple(lines)), lines) == [" ", "\n\n", ""]


def test_page_without_lines_has_no_breaks() -> None:
    assert breaks(RawPage(number=1, text="", lines=()), []) == []
