ALTER TABLE documents ADD COLUMN categories TEXT NOT NULL DEFAULT '[]';
-- Whether title, authors, year and arXiv id were told by arXiv: then reading does not replace them.
ALTER TABLE documents ADD COLUMN described INTEGER NOT NULL DEFAULT 0;
-- Whether somebody asked for it; otherwise it was only found in the folder, and goes when its file changes.
ALTER TABLE documents ADD COLUMN requested INTEGER NOT NULL DEFAULT 0;
-- Whether nothing is to be left of a document that is being removed, not even a tombstone.
ALTER TABLE documents ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;

-- Passages that there will be, once the document was read.
ALTER TABLE indexings ADD COLUMN total INTEGER;
-- How often it was begun since a passage of it was last stored.
ALTER TABLE indexings ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
-- Who carries it out; what others write of it counts for nothing.
ALTER TABLE indexings ADD COLUMN claim TEXT;
-- Seconds since 1970 at which the claim ends unless renewed.
ALTER TABLE indexings ADD COLUMN leased_until REAL;
-- The version of the reader that failed; a newer one tries again.
ALTER TABLE indexings ADD COLUMN reader INTEGER;

CREATE TABLE indexes (
    stamp      TEXT PRIMARY KEY,
    -- The embedding model that its vectors are known to agree with.
    embedder   TEXT NOT NULL,
    dimension  INTEGER NOT NULL,
    cut        TEXT NOT NULL,
    -- The setting that questions to it are embedded with.
    model      TEXT NOT NULL,
    -- What tells its store from that of another index; empty for the first.
    place      TEXT NOT NULL UNIQUE,
    serving    INTEGER NOT NULL,
    created_at TEXT NOT NULL
);
CREATE UNIQUE INDEX one_index_serves ON indexes (serving) WHERE serving;

-- What was found in the papers folder, so that only what changed is read again.
CREATE TABLE folder_files (
    path        BLOB PRIMARY KEY,
    -- Size and times of the file when its content was last looked at.
    state       TEXT NOT NULL,
    -- None for what is no PDF.
    document_id TEXT REFERENCES documents (id) ON DELETE SET NULL,
    -- The document that this file was before it changed; it serves until the new one is ready.
    replaces    TEXT REFERENCES documents (id) ON DELETE SET NULL
);
