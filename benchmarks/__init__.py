"""Figures on quality and speed; `docs/benchmarks.md` keeps them."""

import tunedd_api  # noqa: F401  # before Haystack, which would otherwise report its use
