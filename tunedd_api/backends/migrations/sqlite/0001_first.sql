CREATE TABLE documents (
    id         TEXT PRIMARY KEY,
    sha256     TEXT NOT NULL UNIQUE,
    file       TEXT NOT NULL,
    title      TEXT NOT NULL,
    authors    TEXT NOT NULL DEFAULT '[]',
    year       INTEGER,
    arxiv_id   TEXT,
    pages      INTEGER NOT NULL DEFAULT 0,
    -- Read only while there is nothing else.
    sample     INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    deleted_at TEXT,
    -- When the file and the passages of a deleted document were gone.
    cleared_at TEXT
);

CREATE TABLE indexings (
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    stamp       TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('queued', 'reading', 'embedding', 'ready', 'failed')),
    passages    INTEGER NOT NULL DEFAULT 0,
    error       TEXT,
    updated_at  TEXT NOT NULL,
    PRIMARY KEY (document_id, stamp)
);
CREATE INDEX indexings_by_state ON indexings (stamp, state);

CREATE TABLE pages (
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    number      INTEGER NOT NULL,
    text        TEXT NOT NULL,
    positions   BLOB NOT NULL,
    PRIMARY KEY (document_id, number)
);

CREATE TABLE conversations (
    id         TEXT PRIMARY KEY,
    title      TEXT NOT NULL,
    scoped     INTEGER NOT NULL,
    created_at TEXT NOT NULL
);
CREATE INDEX conversations_by_age ON conversations (created_at, id);

CREATE TABLE conversation_documents (
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    document_id     TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    PRIMARY KEY (conversation_id, document_id)
);

CREATE TABLE messages (
    id              TEXT PRIMARY KEY,
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    position        INTEGER NOT NULL,
    role            TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
    content         TEXT NOT NULL,
    status          TEXT NOT NULL CHECK (status IN ('running', 'complete', 'incomplete', 'failed')),
    sources         TEXT NOT NULL DEFAULT '[]',
    tools           TEXT NOT NULL DEFAULT '[]',
    usage           TEXT,
    error           TEXT,
    created_at      TEXT NOT NULL,
    UNIQUE (conversation_id, position)
);
