"""How much text a document may have: more is no paper, and would fill the memory of all who handle it."""

LONGEST_PAGE = 250_000
"""Characters. A dense page of a paper has 8,000, a poster 30,000."""
LONGEST_TEXT = 10_000_000
"""Characters of all pages. A book of a thousand pages has three million."""
LONGEST_FIELD = 20_000
"""Characters of a metadata field that are looked at: enough for the names of a large collaboration."""
