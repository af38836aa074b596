"""How the lines of a page flow together: which line breaks end a paragraph, which only the line."""

from collections.abc import Sequence
from statistics import median

from tunedd_api.library.cutting.headings import is_heading
from tunedd_api.library.reading.layout import Line, RawPage, line_text

SENTENCE_ENDS = (".", "!", "?", ":", "。", "！", "？", ".”", ".)", '."')
PARAGRAPH = "\n\n"
LINE = "\n"
NEIGHBOURS = 5
"""Lines before and after that show how wide the column is."""
SHORT = 0.25
"""A line that leaves this share of its column empty ended on purpose."""
INDENT = 0.8
"""An indent is at least this share of the type size wide."""
OTHER_SIZE = 0.08
"""Type that differs by more than this share is another kind of text."""


def breaks(page: RawPage, lines: Sequence[Line]) -> list[str]:
    """What to put behind each line: nothing, a space, a newline or an empty line."""
    if any(line.box is None for line in lines):
        return _breaks_by_text(page, lines)
    usual = _usual_step(lines)
    widths = [_column(lines, place) for place in range(len(lines))]
    pairs = zip(lines, lines[1:], widths, widths[1:], strict=False)
    found = [_break(page, *pair, usual_step=usual) for pair in pairs]
    return [*found, ""] if lines else []


def _break(
    page: RawPage,
    line: Line,
    following: Line,
    column: tuple[float, float],
    next_column: tuple[float, float],
    *,
    usual_step: float,
) -> str:
    if line.upright != following.upright:
        return PARAGRAPH
    if _same_row(line, following):
        return _gap(page, line, following)
    step = line.placed.bottom - following.placed.bottom
    jump = step < 0 or step > 5 * usual_step
    far = step > 1.25 * usual_step
    other_size = abs(line.size - following.size) > OTHER_SIZE * max(line.size, following.size)
    short = line.placed.right < column[1] - SHORT * (column[1] - column[0])
    indented = following.placed.left > next_column[0] + INDENT * following.size
    if line_text(page, line).rstrip().endswith(SENTENCE_ENDS):
        if far or jump or other_size or indented:
            return PARAGRAPH
        return LINE if short else " "
    if is_heading(line_text(page, line)) and (short or far or other_size):
        return PARAGRAPH
    if not jump and (step > 1.9 * usual_step or (far and (other_size or short))):
        return PARAGRAPH
    if other_size and (jump or short or line.size > following.size):
        return PARAGRAPH
    return LINE if short and not jump else " "


def _same_row(line: Line, following: Line) -> bool:
    overlap = min(line.placed.top, following.placed.top) - max(line.placed.bottom, following.placed.bottom)
    lower = min(line.placed.height, following.placed.height)
    return overlap > 0.3 * lower and following.placed.left >= line.placed.right - 0.5 * line.size


def _gap(page: RawPage, line: Line, following: Line) -> str:
    """Between two parts of one printed row: raised or lowered characters touch, columns of a table do not."""
    touching = following.placed.left - line.placed.right < 0.12 * max(line.size, following.size)
    letters = line_text(page, line)[-1:].isdigit() and line_text(page, following)[:1].isalpha()
    return "" if touching and not letters else " "


def _usual_step(lines: Sequence[Line]) -> float:
    """How far apart the lines of running text are on this page."""
    boxes = [line.box for line in lines if line.box and line.upright]
    steps = [above.bottom - below.bottom for above, below in zip(boxes, boxes[1:], strict=False)]
    sizes = median(line.size for line in lines) if lines else 0.0
    steps = [step for step in steps if 0.7 * sizes < step < 3 * sizes]
    return median(steps) if steps else 1.3 * sizes


def _column(lines: Sequence[Line], place: int) -> tuple[float, float]:
    """The left and right end of the column that a line stands in, as its neighbours show them."""
    box, size = lines[place].placed, lines[place].size
    left, right = box.left, box.right
    for near in lines[max(0, place - NEIGHBOURS) : place + NEIGHBOURS + 1]:
        alike = near.upright and abs(near.size - size) <= OTHER_SIZE * size
        if near.box and alike and near.box.left < box.right and near.box.right > box.left:
            left, right = min(left, near.box.left), max(right, near.box.right)
    return left, right


def _breaks_by_text(page: RawPage, lines: Sequence[Line]) -> list[str]:
    """Without places, a line that ends a sentence well before the usual width ends a paragraph."""
    if not lines:
        return []
    usual = median(line.end - line.start for line in lines)
    found = []
    for line, following in zip(lines, lines[1:], strict=False):
        if "\n\n" in page.text[line.end : following.start].replace("\r", "").replace(" ", ""):
            found.append(PARAGRAPH)
        elif line.end - line.start > 0.75 * usual:
            found.append(" ")
        else:
            found.append(PARAGRAPH if line_text(page, line).endswith(SENTENCE_ENDS) else LINE)
    return [*found, ""]
