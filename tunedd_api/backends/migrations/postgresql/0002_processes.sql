-- The processes that write answers, each with when it was last heard of, in seconds since 1970 of this server.
CREATE TABLE processes (
    id      TEXT COLLATE "C" PRIMARY KEY,
    seen_at DOUBLE PRECISION NOT NULL
);
ALTER TABLE messages ADD COLUMN process TEXT COLLATE "C";
