"""Makes the sample PDFs from their sources; README.md says how to run it."""

from pathlib import Path

from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.lib.units import cm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate

HERE = Path(__file__).parent
NOTICE = "A sample document of the Tunedd project, not a published paper."

_SHEET = getSampleStyleSheet()
TITLE = ParagraphStyle("title", _SHEET["Title"], fontSize=18, leading=22, spaceAfter=10)
BYLINE = ParagraphStyle("byline", _SHEET["Normal"], fontSize=11, leading=14, alignment=1, spaceAfter=12)
HEADING = ParagraphStyle("heading", _SHEET["Heading2"], fontSize=13, leading=16, spaceBefore=10, spaceAfter=5)
BODY = ParagraphStyle(
    "body", _SHEET["Normal"], fontName="Times-Roman", fontSize=11, leading=14.5, spaceAfter=7
)


def build(source: Path) -> Path:
    """Writes the PDF beside its source."""
    blocks = source.read_text(encoding="utf-8").strip().split("\n\n")
    title = blocks[0].removeprefix("# ")
    facts = dict(line.split(": ", 1) for line in blocks[1].splitlines())
    target = source.with_suffix(".pdf")
    document = SimpleDocTemplate(
        str(target),
        pagesize=A4,
        leftMargin=2.5 * cm,
        rightMargin=2.5 * cm,
        title=title,
        author=facts["Author"],
        subject=NOTICE,
        invariant=1,  # No time and no random id, so that the same source gives the same bytes.
    )
    story: list[Flowable] = [
        Paragraph(title, TITLE),
        Paragraph(f"{facts['Author']}, {facts['Year']}", BYLINE),
    ]
    for block in blocks[2:]:
        heading = block.startswith("## ")
        story.append(Paragraph(block.removeprefix("## "), HEADING if heading else BODY))
    document.build(story, onFirstPage=_print_foot, onLaterPages=_print_foot)
    return target


def _print_foot(canvas: Canvas, document: SimpleDocTemplate) -> None:
    canvas.setFont("Helvetica", 8)
    canvas.drawCentredString(A4[0] / 2, 1.3 * cm, f"{NOTICE} Page {document.page}")


if __name__ == "__main__":
    for source in sorted(HERE.glob("sample-*.md")):
        build(source)
