"""Weaviate: the passages of several processes."""
