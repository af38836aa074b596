"""A Haystack document store in an SQLite file: words, vectors, filters."""
