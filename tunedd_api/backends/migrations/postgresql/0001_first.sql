-- Ids and moments are compared byte by byte, whatever the language of the database.
CREATE TABLE documents (
    id         TEXT COLLATE "C" PRIMARY KEY,
    sha256     TEXT COLLATE "C" NOT NULL UNIQUE,
    file       TEXT NOT NULL,
    title      TEXT NOT NULL,
    authors    TEXT NOT NULL DEFAULT '[]',
    year       INTEGER,
    arxiv_id   TEXT,
    categories TEXT NOT NULL DEFAULT '[]',
    pages      INTEGER NOT NULL DEFAULT 0,
    -- Read only while there is nothing else.
    sample     BOOLEAN NOT NULL,
    -- Whether title, authors, year and arXiv id were told by arXiv: then reading does not replace them.
    described  BOOLEAN NOT NULL DEFAULT FALSE,
    -- Whether somebody asked for it; otherwise it was only found in the folder, and goes when its file changes.
    requested  BOOLEAN NOT NULL DEFAULT FALSE,
    -- Whether nothing is to be left of a document that is being removed, not even a tombstone.
    forgotten  BOOLEAN NOT NULL DEFAULT FALSE,
    created_at TEXT COLLATE "C" NOT NULL,
    deleted_at TEXT COLLATE "C",
    -- When the file and the passages of a deleted document were gone.
    cleared_at TEXT COLLATE "C"
);
CREATE INDEX documents_by_age ON documents (created_at, id);

CREATE TABLE indexes (
    stamp      TEXT COLLATE "C" PRIMARY KEY,
    -- The embedding model that its vectors are known to agree with.
    embedder   TEXT NOT NULL,
    dimension  INTEGER NOT NULL,
    cut        TEXT NOT NULL,
    -- The setting that questions to it are embedded with.
    model      TEXT NOT NULL,
    -- What tells its store from that of another index; empty for the first.
    place      TEXT NOT NULL UNIQUE,
    serving    BOOLEAN NOT NULL,
    created_at TEXT COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX one_index_serves ON indexes (serving) WHERE serving;

CREATE TABLE indexings (
    document_id  TEXT COLLATE "C" NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    stamp        TEXT COLLATE "C" NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('queued', 'reading', 'embedding', 'ready', 'failed')),
    passages     INTEGER NOT NULL DEFAULT 0,
    -- Passages that there will be, once the document was read.
    total        INTEGER,
    error        TEXT,
    -- How often it was begun since a passage of it was last stored.
    attempts     INTEGER NOT NULL DEFAULT 0,
    -- Who carries it out; what others write of it counts for nothing.
    claim        TEXT COLLATE "C",
    -- Seconds since 1970 of this server at which the claim ends unless renewed.
    leased_until DOUBLE PRECISION,
    -- The version of the reader that failed; a newer one tries again.
    reader       INTEGER,
    updated_at   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (document_id, stamp)
);
CREATE INDEX indexings_by_state ON indexings (stamp, state);
CREATE INDEX indexings_by_claim ON indexings (claim) WHERE claim IS NOT NULL;

CREATE TABLE pages (
    document_id TEXT COLLATE "C" NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    number      INTEGER NOT NULL,
    text        TEXT NOT NULL,
    positions   BYTEA NOT NULL,
    PRIMARY KEY (document_id, number)
);

-- What was found in the papers folder, so that only what changed is read again.
CREATE TABLE folder_files (
    path        BYTEA PRIMARY KEY,
    -- Size and times of the file when its content was last looked at.
    state       TEXT NOT NULL,
    -- None for what is no PDF.
    document_id TEXT COLLATE "C" REFERENCES documents (id) ON DELETE SET NULL,
    -- The document that this file was before it changed; it serves until the new one is ready.
    replaces    TEXT COLLATE "C" REFERENCES documents (id) ON DELETE SET NULL
);

CREATE TABLE conversations (
    id         TEXT COLLATE "C" PRIMARY KEY,
    title      TEXT NOT NULL,
    scoped     BOOLEAN NOT NULL,
    created_at TEXT COLLATE "C" NOT NULL
);
CREATE INDEX conversations_by_age ON conversations (created_at, id);

CREATE TABLE conversation_documents (
    conversation_id TEXT COLLATE "C" NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    document_id     TEXT COLLATE "C" NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    PRIMARY KEY (conversation_id, document_id)
);

CREATE TABLE messages (
    id              TEXT COLLATE "C" PRIMARY KEY,
    conversation_id TEXT COLLATE "C" NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    position        INTEGER NOT NULL,
    role            TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
    content         TEXT NOT NULL,
    status          TEXT NOT NULL CHECK (status IN ('running', 'complete', 'incomplete', 'failed')),
    sources         TEXT NOT NULL DEFAULT '[]',
    tools           TEXT NOT NULL DEFAULT '[]',
    usage           TEXT,
    error           TEXT,
    created_at      TEXT COLLATE "C" NOT NULL,
    UNIQUE (conversation_id, position)
);
CREATE INDEX running_messages ON messages (id) WHERE status = 'running';
