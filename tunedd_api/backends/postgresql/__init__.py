"""PostgreSQL: the database of several processes."""
