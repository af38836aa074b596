"""Figures on quality and speed; `docs/benchmarks.md` keeps them."""
