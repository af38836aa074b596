"""PDF → pages of clean text, with what the first page tells about the paper."""
