"""Papers from arXiv: what they are called, what arXiv says of them, and their PDFs."""
