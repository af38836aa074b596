"""Papers long enough that a test sees them being indexed."""

from pathlib import Path

import anyio

from tests.pdfs import column, write_pdf
from tunedd_api.bootstrap import Services
from tunedd_api.library.model import Document, Status

LINES = 12


def long_paper(folder: Path, name: str = "long.pdf", *, pages: int = 300, word: str = "agents") -> Path:
    """A paper of some thousand passages: on each page every line speaks of something else."""
    return write_pdf(
        folder / name,
        [
            column(
                [
                    f"On page {page} line {line} the {word} number {page * LINES + line} learn together. "
                    f"They keep a log of item {line}-{page} of their own."
                    for line in range(LINES)
                ],
                size=8,
            )
            for page in range(pages)
        ],
    )


async def under_way(services: Services, document_id: str) -> Document:
    """The document once some of it is stored, and not all of it."""
    with anyio.fail_after(60):
        while True:
            document = await services.library.get(document_id)
            assert document.status is not Status.READY, "It was too quick for this test."
            if document.status is Status.EMBEDDING and document.passages:
                return document
            await anyio.sleep(0.001)
