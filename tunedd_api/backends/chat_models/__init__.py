"""Chat models: what answering needs of them, and those behind servers."""
