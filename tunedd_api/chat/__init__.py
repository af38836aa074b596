"""Conversations grounded in the library."""
