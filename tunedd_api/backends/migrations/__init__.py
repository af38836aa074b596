"""Numbered steps of the SQLite schema."""
