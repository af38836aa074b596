"""A page before any cleaning: its raw characters, and its lines with their place and size."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A rectangle in PDF points, origin bottom left."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.top - self.bottom


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A printed line: `page.text[start:end]`, without the line break behind it."""

    start: int
    end: int
    box: Box | None = None
    """Where it stands, if the reader knows."""
    size: float = 0.0
    """Height of its type in points; 0 where unknown."""
    tallest: float = 0.0
    """Height of its tallest type: more than `size` where small capitals follow a capital."""
    upright: bool = True
    """False for text that runs up or down the page."""
    hyphenated: bool = False
    """Ends with a hyphen that the line break brought in or made ambiguous; the hyphen is at `end`."""

    @property
    def placed(self) -> Box:
        """Its box, of a line whose reader knows where it stands."""
        assert self.box is not None
        return self.box


@dataclass(frozen=True, kw_only=True, slots=True)
class RawPage:
    """One page as the PDF library gives it. Positions count the characters of `text`."""

    number: int
    text: str
    lines: tuple[Line, ...]
    box: Box | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RawPdf:
    """A whole PDF as the PDF library gives it."""

    pages: tuple[RawPage, ...]
    metadata: dict[str, str] = field(default_factory=dict)
    """The information dictionary: `Title`, `Author`, ..."""


def line_text(page: RawPage, line: Line) -> str:
    return page.text[line.start : line.end]
