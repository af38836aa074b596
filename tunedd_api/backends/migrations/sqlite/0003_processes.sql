-- The processes that write answers, where several work on one database.
CREATE TABLE processes (
    id      TEXT PRIMARY KEY,
    seen_at REAL NOT NULL
);
ALTER TABLE messages ADD COLUMN process TEXT;
